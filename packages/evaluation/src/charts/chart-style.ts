// How charts look, in light and dark: what a page with charts has among its styles. The page itself names --ink, --muted and --rule.
const light =
  '--series-0: #2565c7; --series-1: #d1603d; --series-2: #2e8b57; --series-3: #8e4fc4; --series-4: #b8860b; --series-5: #138a9e; --series-6: #c2397f; --series-7: #5f6b7a;';
const dark =
  '--series-0: #76a9ff; --series-1: #ff9a76; --series-2: #6bcf97; --series-3: #c79bf2; --series-4: #e3bd4f; --series-5: #57c4d6; --series-6: #f48fc0; --series-7: #a5b0bf;';

/** Colours that one chart has. */
export const seriesColours = 8;

export const chartStyle = `
:root { ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
${Array.from({ length: seriesColours }, (_, n) => `.series-${n} { --c: var(--series-${n}); }`).join(' ')}
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 22px 26px; margin-top: 16px; }
.chart { margin: 0; min-width: 0; }
.chart figcaption { font-weight: 600; font-size: 14px; }
.chart svg { display: block; width: 100%; height: auto; font-size: 11.5px; }
.chart svg.as-wide { width: auto; max-width: 100%; }
.chart .grid { stroke: var(--rule); } .chart .axis, .chart .notch { stroke: var(--muted); }
.chart .tick { fill: var(--muted); font-size: 11px; } .chart .label { font-weight: 600; font-size: 11.5px; fill: var(--muted); } .chart .label.own { fill: var(--c); }
.chart .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart .dashed { stroke-dasharray: 5 4; } .chart .point, .chart .band, .chart .heat { fill: var(--c); }
.chart .band { opacity: .13; } .chart.crowded .band { opacity: .07; }
.chart line.reference { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 2 4; }
.chart .mark { fill: none; stroke: var(--ink); stroke-width: 1.5; }
`;
