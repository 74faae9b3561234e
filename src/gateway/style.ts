/** The style of all pages: nothing is loaded from anywhere. Colours follow the system's light or dark. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#fff;--soft:#f5f6f7;--line:#dfe2e6;--text:#1b1f24;--dim:#59636e;--link:#0b5cad;
--focus:#0b5cad;--warn:#8a4b00;--warnbg:#fff5e5;--mark:#e8f1fb}
@media (prefers-color-scheme:dark){:root{--bg:#14171a;--soft:#1c2024;--line:#343a40;--text:#e6e8ea;--dim:#a0a8b0;
--link:#7db7f5;--focus:#7db7f5;--warn:#f0b866;--warnbg:#2b2214;--mark:#1d2a38}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,header,footer{max-width:64rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.5rem}
footer{padding:1.5rem 1.25rem 2.5rem;color:var(--dim);font-size:.875rem}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--bg);padding:.25rem .75rem;z-index:1}
h1{font-size:1.375rem;line-height:1.3;margin:.125rem 0 .5rem;overflow-wrap:anywhere;font-weight:650}
h2{font-size:1rem;margin:1.75rem 0 .5rem}
nav.path ol{list-style:none;display:flex;flex-wrap:wrap;margin:0;padding:0;font-size:.875rem;color:var(--dim)}
nav.path li{overflow-wrap:anywhere}
nav.path li+li::before{content:"/";padding:0 .4rem;color:var(--dim)}
.bar{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.75rem 0}
.bar form{display:flex;gap:.5rem;align-items:center;margin:0}
.bar .search{flex:1 1 16rem}
input,select,button,.button{font:inherit;font-size:.9375rem;line-height:1.25rem;color:inherit;background:var(--bg);
border:1px solid var(--line);border-radius:6px;padding:.45rem .75rem;min-height:2.375rem}
input[type=search],input[type=password]{width:100%;min-width:0}
.button{display:inline-flex;align-items:center;color:var(--text)}
button{cursor:pointer}
button:hover,.button:hover{background:var(--soft);text-decoration:none}
.main{background:var(--link);border-color:var(--link);color:var(--bg)}
.main:hover{background:var(--link);filter:brightness(1.1)}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
caption{text-align:left;color:var(--dim);font-size:.875rem;padding:.5rem 0}
th,td{text-align:left;padding:.5rem .625rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;font-size:.8125rem;color:var(--dim);white-space:nowrap;border-bottom-color:var(--dim)}
th a{color:inherit}
th[aria-sort] a::after{content:" \\2191"}
th[aria-sort=descending] a::after{content:" \\2193"}
td:first-child,th:first-child{padding-left:0}
td:last-child,th:last-child{padding-right:0}
td.name{overflow-wrap:anywhere;width:100%}
td.num,th.num{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.date{white-space:nowrap;color:var(--dim);font-variant-numeric:tabular-nums}
td.do{white-space:nowrap;text-align:right}
td.do a+a{margin-left:.875rem}
tbody tr:hover{background:var(--soft)}
.folder{font-weight:600}
.dim{color:var(--dim)}
.tag{display:inline-block;font-size:.75rem;line-height:1.125rem;border:1px solid currentColor;border-radius:9px;
padding:0 .5rem;margin-left:.375rem;white-space:nowrap;color:var(--dim)}
.tag.gone{color:var(--warn)}
.note{background:var(--warnbg);color:var(--warn);border-radius:6px;padding:.625rem .875rem;margin:.75rem 0}
.pages{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:1rem 0}
.pages .dim{margin-right:auto}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:1rem 0}
dt{color:var(--dim)}
dd{margin:0;overflow-wrap:anywhere}
code,pre{font:.8125rem/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.75rem 1rem;overflow:auto;margin:.5rem 0;
max-height:75vh;tab-size:4}
pre.command{max-height:none;white-space:pre-wrap;overflow-wrap:anywhere}
.scroll{overflow:auto;max-height:75vh;border:1px solid var(--line);border-radius:6px}
.scroll table{width:auto;min-width:100%;font-size:.8125rem}
.scroll th,.scroll td{padding:.3rem .75rem;white-space:nowrap;max-width:24rem;overflow:hidden;text-overflow:ellipsis}
.scroll th{position:sticky;top:0;background:var(--soft);color:var(--text)}
.scroll td:first-child,.scroll th:first-child{padding-left:.75rem}
.picture{display:block;max-width:100%;max-height:80vh;height:auto;margin:.5rem 0;border:1px solid var(--line);border-radius:6px;
background:repeating-conic-gradient(var(--soft) 0 25%,var(--bg) 0 50%) 0 0/16px 16px}
.copy{margin-top:.25rem;font-size:.8125rem;padding:.2rem .6rem;min-height:0}
details{margin:1rem 0}
summary{cursor:pointer;color:var(--link)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.login{max-width:22rem}
.login form{display:grid;gap:.75rem;margin:1rem 0}
@media (max-width:40rem){main,header,footer{padding-left:1rem;padding-right:1rem}
.bar .search{flex-basis:100%}
.files,.files caption,.files tbody,.files thead{display:block}
.files thead tr{display:flex;gap:1.25rem}
.files thead th{padding:.375rem 0;border:0}
.files thead tr{border-bottom:1px solid var(--dim)}
.files thead th.do{display:none}
.files tbody tr{display:grid;grid-template-columns:max-content 1fr max-content;column-gap:.875rem;align-items:baseline;
padding:.625rem 0;border-bottom:1px solid var(--line)}
.files td{padding:0;border:0}
.files td.name{grid-column:1/-1}
.files td.num,.files td.date{font-size:.8125rem;color:var(--dim)}
.files td.do{grid-column:3}
.files td.none{display:none}}
@media print{.bar,.pages,td.do,th.do{display:none}}
`

/**
 * What pages can do better with a script; everything works without. It looks for what is typed, opens the details of a
 * file in place of its bytes, and copies commands.
 */
export const SCRIPT = `
'use strict';
(() => {
  const box = document.querySelector('input[type=search]');
  const results = document.getElementById('results');
  let last = box ? box.value : '';
  let timer = 0;
  let running = null;
  const look = async () => {
    if (box.value === last) return;
    last = box.value;
    if (running) running.abort();
    running = new AbortController();
    const url = new URL(location.href);
    url.searchParams.delete('page');
    if (last.trim() === '') url.searchParams.delete('q');
    else url.searchParams.set('q', last);
    results.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(url, { signal: running.signal, headers: { accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const found = page.getElementById('results');
      if (!found) return location.assign(url);
      results.replaceChildren(...found.childNodes);
      results.removeAttribute('aria-busy');
      history.replaceState(null, '', url);
      document.getElementById('status').textContent = results.querySelector('caption')?.textContent ?? 'Nothing found';
    } catch (error) {
      if (error.name !== 'AbortError') location.assign(url);
    }
  };
  if (box && results) {
    box.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(look, 250);
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^(?:INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? '')) return;
      event.preventDefault();
      box.focus();
      box.select();
    });
  }
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.('a[data-details]');
    if (link) {
      event.preventDefault();
      location.assign(link.dataset.details);
    }
  });
  for (const choice of document.querySelectorAll('select[data-go]')) {
    choice.addEventListener('change', () => choice.form.requestSubmit());
    choice.form.querySelector('button').hidden = true;
  }
  for (const block of document.querySelectorAll('pre.command')) {
    if (!navigator.clipboard) break;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = 'Copied';
      setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    });
    block.after(button);
  }
})();
`
