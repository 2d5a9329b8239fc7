// Preact under React's names, the SDK from its source, and a list of what was built for the server to embed.

import { readdirSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const CONTENT_TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Writes `dist/assets.rs`: path, content type and bytes of each built file, as the server includes it. */
function embedded(): Plugin {
  let dist = '';
  return {
    name: 'switchboard-embedded',
    apply: 'build',
    configResolved({ root, build }) { dist = resolve(root, build.outDir); },
    closeBundle() {
      const lines = readdirSync(join(dist, 'assets')).sort().map((name) => {
        const type = CONTENT_TYPES[extname(name)];
        if (!type) throw new Error(`no content type is known for ${name}`);
        return `    Asset { path: "/assets/${name}", content_type: "${type}", bytes: include_bytes!("assets/${name}") },\n`;
      });
      writeFileSync(join(dist, 'assets.rs'), `&[\n${lines.join('')}]\n`);
    },
  };
}

export default defineConfig({
  // Where `npm start` looks for the server; built, the page asks the server that it came from.
  define: { 'import.meta.env.SWITCHBOARD_URL': JSON.stringify(process.env.SWITCHBOARD_URL ?? 'http://localhost:8000') },
  resolve: {
    alias: {
      'react/jsx-runtime': 'preact/jsx-runtime',
      'react-dom': 'preact/compat',
      react: 'preact/compat',
      'switchboard-client': here('../sdk/typescript/src/index.ts'),
    },
  },
  server: { fs: { allow: [here('.'), here('../sdk/typescript')] } },
  // A data: URL would need a hole in the content security policy, a polyfill a place of its own in the page.
  build: { assetsInlineLimit: 0, modulePreload: false, target: 'es2022', reportCompressedSize: false },
  plugins: [embedded()],
});
