// The style of all elements. A page changes it by the custom properties and parts that coinpurse.d.ts lists.

export const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { display: block; container-type: inline-size; }
:host([hidden]), [hidden] { display: none !important; }
:host(coin-balance), :host(coin-button) { display: inline-block; container-type: normal; }
*, ::before, ::after { box-sizing: border-box; }
.root {
  --accent: var(--coinpurse-accent, light-dark(#6633d6, #b9a1ff));
  --on-accent: var(--coinpurse-on-accent, light-dark(#fff, #1c1038));
  --surface: var(--coinpurse-surface, light-dark(#fff, #211e2a));
  --ink: var(--coinpurse-ink, light-dark(#1d1a24, #f3f0f8));
  --soft: var(--coinpurse-soft, light-dark(#625c70, #b7b0c6));
  --line: var(--coinpurse-line, light-dark(#ddd8e6, #413b4f));
  --good: var(--coinpurse-good, light-dark(#17693a, #7fd8a2));
  --bad: var(--coinpurse-bad, light-dark(#b3261e, #ff9d94));
  --badge: var(--coinpurse-badge, light-dark(#ffedb8, #4d3a0a));
  --on-badge: var(--coinpurse-on-badge, light-dark(#4d3300, #ffe3a0));
  --radius: var(--coinpurse-radius, .875rem);
  --tint: color-mix(in srgb, var(--accent) 9%, var(--surface));
  color: var(--ink);
  font: var(--coinpurse-font, 1rem/1.4 system-ui, sans-serif);
  text-align: start;
}
button, input { font: inherit; color: inherit; }
button { cursor: pointer; touch-action: manipulation; }
:focus-visible, .tab:has(:focus-visible), .gift:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
img { display: block; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.bundles { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: .75rem; margin: 0; padding: .625rem 0 0; list-style: none; }
.bundle {
  position: relative; display: flex; flex-direction: column; align-items: center; gap: .375rem; width: 100%; height: 100%;
  padding: 1.125rem .75rem .75rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface);
  transition: transform .15s, box-shadow .15s, border-color .15s;
}
.bundle:hover, .gift:hover { border-color: var(--accent); box-shadow: 0 4px 14px rgb(0 0 0 / .1); transform: translateY(-2px); }
.bundle:disabled { opacity: .6; cursor: progress; transform: none; }
.bundle.featured { border-color: var(--accent); background: var(--tint); }
.ribbon { position: absolute; top: 0; translate: 0 -55%; padding: .125rem .625rem; border-radius: 1rem; background: var(--accent); color: var(--on-accent); font-size: .75rem; font-weight: 700; }
.coins { font-size: 1.125rem; font-weight: 700; font-variant-numeric: tabular-nums; text-align: center; }
.badges { display: flex; flex-wrap: wrap; justify-content: center; gap: .25rem; }
.badges:empty { display: none; }
.badge { padding: .0625rem .5rem; border-radius: .5rem; background: var(--badge); color: var(--on-badge); font-size: .75rem; font-weight: 600; }
.price { width: 100%; margin-top: auto; padding: .5rem; border-radius: calc(var(--radius) - .25rem); background: var(--accent); color: var(--on-accent); font-weight: 700; font-variant-numeric: tabular-nums; }
.custom { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin-top: 1rem; padding: .875rem; border: 1px dashed var(--line); border-radius: var(--radius); }
.custom label { flex: 1 1 12rem; }
label { display: block; color: var(--soft); font-size: .875rem; }
label small { float: inline-end; font-size: .8125rem; }
.over { color: var(--bad); font-weight: 600; }
input:not([type=radio], [type=checkbox]) {
  display: block; width: 100%; min-height: 2.75rem; margin-top: .25rem; padding: .5rem .75rem; border: 1px solid var(--soft);
  border-radius: calc(var(--radius) - .25rem); background: var(--surface); color: var(--ink); font-size: 1rem;
}
.custom small, .panel small { margin-top: .25rem; }
.button {
  display: inline-flex; gap: .5rem; align-items: center; justify-content: center; min-height: 2.75rem; padding: .5rem 1.25rem; border: 0;
  border-radius: var(--radius); background: var(--accent); color: var(--on-accent); font-weight: 700; transition: filter .15s, scale .1s;
}
.button:hover { filter: brightness(1.08); }
.button:active { scale: .96; }
.button:disabled { background: var(--line); color: var(--soft); cursor: not-allowed; filter: none; scale: none; }
.link { text-align: start; min-height: 1.5rem; padding: 0; border: 0; background: none; color: var(--accent); font-weight: 700; text-decoration: underline; text-underline-offset: .2em; }
.status { min-height: 1.4em; margin: .75rem 0 0; color: var(--soft); }
:host(coin-button) .status:empty { display: none; }
.status[data-state=good] { color: var(--good); font-weight: 600; }
.status[data-state=bad] { color: var(--bad); }
.balance { display: inline-flex; gap: .375rem; align-items: center; min-height: 2rem; font-weight: 700; font-variant-numeric: tabular-nums; }
.owed { color: var(--bad); font-weight: 400; }
.panel { position: relative; display: grid; gap: .875rem; padding: 1rem; border: 1px solid var(--line); border-radius: calc(var(--radius) + .25rem); background: var(--surface); overflow: hidden; }
.panel .status, .lack, .tier { margin: 0; }
.panel .status:empty { position: absolute; }
.kind { display: grid; gap: .75rem; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between; }
.bar > .balance { margin-inline-start: auto; }
.tabs { display: flex; flex-wrap: wrap; gap: .25rem; }
.tab { position: relative; display: flex; align-items: center; min-height: 2.25rem; padding: .25rem .75rem; border-radius: 2rem; color: var(--soft); font-weight: 600; cursor: pointer; }
.tab:hover { background: var(--tint); }
.tab:has(:checked) { background: var(--tint); color: var(--accent); box-shadow: inset 0 0 0 1.5px var(--accent); }
.gifts { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: .5rem; max-height: 19rem; margin: -3px; padding: 3px; overflow-y: auto; }
.gift {
  position: relative; display: flex; flex-direction: column; gap: .125rem; align-items: center; padding: .75rem .375rem .625rem; border: 1px solid var(--line);
  border-radius: var(--radius); color: var(--ink); text-align: center; cursor: pointer; transition: transform .15s, box-shadow .15s, border-color .15s;
}
.gift:has(:checked) { border-color: var(--accent); background: var(--tint); box-shadow: inset 0 0 0 1px var(--accent); }
.gift:has(:checked) img { animation: nod .4s ease-out; }
.gift.featured::after { content: "★"; position: absolute; inset-block-start: .25rem; inset-inline-end: .5rem; color: var(--accent); font-size: .75rem; }
.name { margin-top: .25rem; font-weight: 600; line-height: 1.2; overflow-wrap: anywhere; }
.cost { margin-top: auto; }
.cost, .worth { color: var(--soft); font-size: .8125rem; font-variant-numeric: tabular-nums; }
.stepper { display: flex; gap: .375rem; align-items: center; }
.stepper input:not([type=radio]) { width: 5rem; margin: 0; text-align: center; appearance: textfield; }
.stepper input::-webkit-inner-spin-button { appearance: none; }
.step { width: 2.75rem; height: 2.75rem; border: 1px solid var(--line); border-radius: calc(var(--radius) - .25rem); background: none; font-size: 1.25rem; line-height: 1; }
.step:hover, .chip:hover { background: var(--tint); border-color: var(--accent); }
.caption { color: var(--soft); font-size: .875rem; }
.stepper .caption { margin-inline-end: auto; }
.chips { display: flex; flex-wrap: wrap; gap: .375rem; }
.chip { min-height: 2.25rem; padding: .25rem .875rem; border: 1px solid var(--line); border-radius: 2rem; background: none; font-variant-numeric: tabular-nums; }
.tier { padding: .625rem .875rem; border-radius: calc(var(--radius) - .25rem); background: var(--tier); color: var(--on-tier, #fff); font-weight: 600; }
.tier[data-color=""] { background: none; color: var(--bad); padding: 0; }
[data-color="grey"] { --tier: #5d6673; }
[data-color=silver] { --tier: #cfd6de; --on-tier: #1d2733; }
[data-color=purple] { --tier: #6b3fd4; }
[data-color=blue] { --tier: #1558b0; }
[data-color=light_blue] { --tier: #7fd8f0; --on-tier: #06313d; }
[data-color=green] { --tier: #1d7a45; }
[data-color=yellow] { --tier: #ffd54a; --on-tier: #3d2e00; }
[data-color=orange] { --tier: #ffab4d; --on-tier: #3d2100; }
[data-color=magenta] { --tier: #c2185b; }
[data-color=red] { --tier: #c62828; }
.check { display: flex; gap: .5rem; align-items: center; min-height: 1.75rem; color: var(--ink); }
.check input { width: 1.25rem; height: 1.25rem; accent-color: var(--accent); }
.pay { padding-top: .875rem; border-top: 1px solid var(--line); }
.total { display: flex; flex-wrap: wrap; gap: 0 .5rem; align-items: baseline; font-variant-numeric: tabular-nums; }
.total strong { font-size: 1.125rem; }
.pay .button { min-width: 7.5rem; }
.lack { padding: .625rem .875rem; border-radius: calc(var(--radius) - .25rem); background: var(--tint); }
.stage { position: absolute; inset: 0; display: grid; place-items: center; pointer-events: none; }
.burst { display: grid; place-items: center; filter: drop-shadow(0 6px 14px rgb(0 0 0 / .3)); animation: rise 2.6s ease-out both; }
.burst b { color: var(--accent); font-size: 2rem; line-height: 1; -webkit-text-stroke: 4px var(--surface); paint-order: stroke fill; }
@keyframes nod { 40% { transform: scale(1.2) rotate(-6deg); } }
@keyframes rise { 0% { opacity: 0; transform: translateY(40%) scale(.4); } 15% { opacity: 1; transform: scale(1.15); } 25%, 75% { opacity: 1; transform: none; } 100% { opacity: 0; transform: translateY(-40%); } }
@container (max-width: 26rem) {
  .bundles { grid-template-columns: repeat(2, 1fr); }
  .gifts { grid-template-columns: repeat(3, 1fr); }
  .pay .button { flex: 1; }
  .custom .button { width: 100%; }
}
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation: none !important; transition: none !important; } }
`);
