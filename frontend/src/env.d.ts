interface ImportMetaEnv {
  readonly DEV: boolean;
  readonly SWITCHBOARD_URL: string;
}

interface ImportMeta {
  readonly env: ImportMetaEnv;
}

declare module '*.css';
