// How a report looks: light and dark, on a desk and in a hand. No font, script or picture comes from elsewhere.
import { chartStyle } from '../charts/index.ts';

export const pageStyle = `${chartStyle}
:root { color-scheme: light dark;
  --paper: #fdfdfb; --ink: #1d2430; --muted: #667085; --rule: #e3e5ea; --soft: #f4f5f2; --accent: #1f5fbf; --shade: rgb(29 36 48 / .22);
  --good: #1a7f4b; --bad: #b3362b; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14171c; --ink: #e4e7ec; --muted: #98a2b3; --rule: #2b313b; --soft: #1b1f26; --accent: #7fb0ff; --shade: rgb(0 0 0 / .75);
  --good: #5cc98f; --bad: #ff8a7a; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 40px 28px 72px; }
h1 { font-size: 28px; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 6px; text-wrap: balance; }
h2 { font-size: 18px; line-height: 1.3; margin: 44px 0 4px; letter-spacing: -.005em; }
h3 { font-size: 15px; margin: 28px 0 8px; }
p { margin: 0 0 10px; max-width: 76ch; }
.lede, .note { color: var(--muted); }
.note { font-size: 13.5px; line-height: 1.5; }
.group-title { margin-top: 56px; padding-top: 20px; border-top: 1px solid var(--rule); font-size: 21px; }
.verdict { margin: 14px 0 0; padding: 0; list-style: none; }
.verdict li { padding: 5px 0; border-top: 1px solid var(--rule); }
.verdict li:last-child { border-bottom: 1px solid var(--rule); }
.narrow { display: none; }
/* Shadows at the ends of what can be scrolled: the covers move with the content, the shadows stay. */
.scroll { overflow-x: auto; margin: 10px 0 0; background-color: var(--paper);
  background-image: linear-gradient(to right, var(--paper) 40%, transparent), linear-gradient(to left, var(--paper) 40%, transparent),
    linear-gradient(to right, var(--shade), transparent), linear-gradient(to left, var(--shade), transparent);
  background-position: left, right, left, right; background-repeat: no-repeat;
  background-size: 44px 100%, 44px 100%, 16px 100%, 16px 100%; background-attachment: local, local, scroll, scroll; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead th { font-weight: 500; color: var(--muted); text-align: right; padding: 3px 0 6px 17px; vertical-align: bottom; }
thead th.group { text-align: center; font-size: 12.5px; padding: 0 0 0 17px; }
th.group span { display: block; border-bottom: 1px solid var(--rule); padding-bottom: 1px; }
thead tr:last-child > * { border-bottom: 1px solid var(--ink); }
tbody th { font-weight: 500; text-align: left; padding: 6px 10px 6px 0; vertical-align: top; }
tbody td { text-align: right; padding: 6px 0 6px 17px; vertical-align: top; }
td.first, th.first, th.group + th.group, td + th.group { padding-left: 30px; }
tbody tr + tr > * { border-top: 1px solid var(--rule); }
tbody tr.section > th { padding-top: 18px; font-weight: 600; font-size: 13px; color: var(--muted); }
tbody tr.section + tr > * { border-top-color: var(--ink); }
tr.reference > * { color: var(--muted); font-weight: 400; }
td.best { font-weight: 700; }
td.none { color: var(--rule); }
.interval { display: block; font-size: 11.5px; line-height: 1.2; color: var(--muted); font-weight: 400; }
.arrow { margin-left: 3px; font-size: 11px; }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 14px; margin-top: 12px; }
.case { background: var(--soft); border: 1px solid var(--rule); border-radius: 8px; padding: 13px 15px; font-size: 14px; overflow-wrap: anywhere; }
.case .id { color: var(--muted); font-size: 12px; }
.case .prompt { font-weight: 600; margin: 1px 0 5px; }
.said { margin: 0; display: grid; grid-template-columns: max-content 1fr; column-gap: 10px; }
.said dt { color: var(--muted); font-size: 13px; } .said dd { margin: 0; }
.broke { margin-top: 9px; padding-top: 8px; border-top: 1px solid var(--rule); }
.broke .what { color: var(--muted); font-size: 12px; }
.good { color: var(--good); } .bad { color: var(--bad); }
s { text-decoration-color: var(--muted); }
details { margin-top: 12px; } summary { cursor: pointer; color: var(--accent); }
pre { background: var(--soft); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px; overflow-x: auto; font-size: 12.5px; line-height: 1.5; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 14px 0 0; font-size: 14px; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.definitions { margin: 14px 0 0; font-size: 13.5px; } .definitions dt { font-weight: 600; }
.definitions dd { margin: 0 0 12px; max-width: 90ch; } .definitions code { font-weight: 400; font-size: 12px; color: var(--muted); }
.source { color: var(--muted); }
footer { margin-top: 56px; padding-top: 14px; border-top: 1px solid var(--rule); color: var(--muted); font-size: 13px; }
@media (max-width: 640px) {
  main { padding: 24px 18px 56px; }
  .wide { display: none; } .narrow { display: block; } .narrow .scroll { margin-top: 16px; }
  table { font-size: 13px; } thead th, thead th.group, tbody td { padding-left: 9px; } .interval { font-size: 10.5px; letter-spacing: -.02em; }
  h1 { font-size: 23px; } h2 { margin-top: 36px; }
  tbody th, thead tr > :first-child { position: sticky; left: 0; background: var(--paper); z-index: 1; }
  tbody tr.section > th { position: static; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 8px; }
}
@media print { .scroll { overflow: visible; } details > * { display: block; } }
`;
