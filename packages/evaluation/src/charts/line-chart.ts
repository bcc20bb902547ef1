// Line charts as inline SVG: values against the number of edits, with intervals, labelled at the ends of the lines.
import { type Html, html } from './html.ts';
import { linearScale, logScale, type Scale } from './scale.ts';

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Confidence interval. */
  readonly low?: number;
  readonly high?: number;
}

export interface ChartSeries {
  readonly name: string;
  /** Which colour of the palette, from 0. */
  readonly colour: number;
  /** A second reading of a series of the same colour. */
  readonly dashed?: boolean;
  /** In ascending x. */
  readonly points: readonly ChartPoint[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  /** Positions and not amounts: they lie evenly however far they reach. */
  readonly even?: boolean;
  /** `share` is 0 to 1, written as per cent; `count` adapts to its values and may need powers of ten. */
  readonly unit: 'share' | 'count';
  readonly series: readonly ChartSeries[];
  /** A value to compare with, such as the unedited model's. */
  readonly reference?: { readonly name: string; readonly y: number };
}

const plot = { width: 282, height: 218 };
const margin = { top: 14, bottom: 38, left: 46 };
const height = margin.top + plot.height + margin.bottom;
/** What labels beside the plot have at least, and what a character of one takes. */
const labelWidth = { least: 92, character: 7.4 };
const lineHeight = 13;
/** Of an even scale, as a share of its greatest value. */
const leastSpan = 0.2;

const two = (value: number) => Number(value.toFixed(2));

/** Whole numbers in full up to thousands; large ones as powers of ten. */
export function shortNumber(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3))
    return value.toExponential(0).replace('e+', 'e');
  return value.toLocaleString('en-US', { maximumSignificantDigits: Math.abs(value) >= 1000 ? 6 : 3 });
}

const writers = {
  share: (value: number) => `${Number((100 * value).toFixed(1))}%`,
  count: shortNumber,
} as const;

function yScale({ unit, series, reference }: LineChart): Scale {
  if (unit === 'share') return linearScale(0, 1, 5);
  const values = series.flatMap(({ points }) => points.flatMap(({ y, low = y, high = y }) => [y, low, high]));
  if (reference !== undefined) values.push(reference.y);
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  // Collapse shows in powers of ten; on an even scale everything before it would be one flat line.
  if (least > 0 && greatest / least > 20) {
    const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(greatest))];
    return logScale(10 ** from, 10 ** to);
  }
  if (least > 0 && least < 0.5 * greatest) return linearScale(0, greatest);
  // A scale that ends where the values do would make a wall of every ripple.
  const missing = Math.max(0, leastSpan * Math.abs(greatest) - (greatest - least)) / 2;
  return linearScale(least - missing, greatest + missing);
}

function xScale({ series, even = false }: LineChart): Scale {
  const values = series.flatMap(({ points }) => points.map(({ x }) => x));
  const [least, greatest] = [Math.max(1, Math.min(...values)), Math.max(2, ...values)];
  if (even || greatest / least < 8) {
    const scale = linearScale(Math.min(...values), greatest, 4);
    // There is no half edit.
    return { ...scale, ticks: scale.ticks.filter(Number.isInteger) };
  }
  const scale = logScale(least, greatest);
  // The end is worth a tick of its own where it is not one and does not crowd one.
  const crowded = scale.ticks.some((tick) => scale.at(tick) > 0.9);
  return crowded ? scale : { ...scale, ticks: [...scale.ticks, greatest] };
}

/** Labels beside the line ends, moved apart until none covers another. */
function placeLabels(wanted: readonly { readonly name: string; readonly y: number }[]): ReadonlyMap<string, number> {
  const sorted = [...wanted].sort((a, b) => a.y - b.y);
  const placed = sorted.map(({ y }) => y);
  for (let round = 0; round < 60; round++) {
    for (let i = 1; i < placed.length; i++) {
      const overlap = lineHeight - (placed[i]! - placed[i - 1]!);
      if (overlap <= 0) continue;
      placed[i - 1]! -= overlap / 2;
      placed[i]! += overlap / 2;
    }
    for (let i = 0; i < placed.length; i++) {
      const [top, bottom] = [
        margin.top + i * lineHeight,
        margin.top + plot.height - (placed.length - 1 - i) * lineHeight,
      ];
      placed[i] = Math.min(Math.max(placed[i]!, top), bottom);
    }
  }
  return new Map(sorted.map(({ name }, i) => [name, placed[i]!]));
}

/** A chart with its title, to be put into a page that has the chart's style. Nothing in it has a style of its own: policies of pages forbid that. */
export function lineChart(chart: LineChart): Html {
  const series = chart.series.filter(({ points }) => points.length > 0);
  const [x, y] = [xScale({ ...chart, series }), yScale({ ...chart, series })];
  const write = writers[chart.unit];
  const writeTick = (tick: number) =>
    chart.unit === 'share' || y.decimals === undefined
      ? write(tick)
      : tick.toLocaleString('en-US', { minimumFractionDigits: y.decimals, maximumFractionDigits: y.decimals });
  const px = (value: number) => two(margin.left + plot.width * x.at(value));
  const py = (value: number) => two(margin.top + plot.height * (1 - Math.min(1, Math.max(0, y.at(value)))));
  const path = (points: readonly ChartPoint[]) =>
    points.map((point, i) => `${i === 0 ? 'M' : 'L'}${px(point.x)} ${py(point.y)}`).join('');
  const band = (points: readonly ChartPoint[]) => {
    const known = points.filter(({ low, high }) => low !== undefined && high !== undefined);
    if (known.length < 2) return null;
    const upper = known.map((point) => `${px(point.x)} ${py(point.high!)}`);
    const lower = known.map((point) => `${px(point.x)} ${py(point.low!)}`).reverse();
    return `M${[...upper, ...lower].join('L')}Z`;
  };
  const ends = series.map(({ name, points }) => ({ name, y: py(points.at(-1)!.y) }));
  if (chart.reference !== undefined) ends.push({ name: chart.reference.name, y: py(chart.reference.y) });
  const labels = placeLabels(ends);
  const right = margin.left + plot.width;
  const longest = Math.max(0, ...ends.map(({ name }) => name.length));
  const width = right + Math.max(labelWidth.least, Math.ceil(12 + labelWidth.character * longest));
  const label = (name: string, colour: 'own' | 'muted') =>
    html`<text class="label ${colour}" x="${right + 9}" y="${two(labels.get(name)! + 4)}">${name}</text>`;

  return html`<figure class="chart${series.length > 3 ? ' crowded' : ''}">
<figcaption>${chart.title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${chart.title} against ${chart.xLabel}">
${y.ticks.map(
  (tick) => html`<line class="grid" x1="${margin.left}" x2="${right}" y1="${py(tick)}" y2="${py(tick)}"/>
<text class="tick" x="${margin.left - 7}" y="${py(tick) + 4}" text-anchor="end">${writeTick(tick)}</text>`,
)}
${x.ticks.map(
  (
    tick,
  ) => html`<line class="notch" x1="${px(tick)}" x2="${px(tick)}" y1="${margin.top + plot.height}" y2="${margin.top + plot.height + 4}"/>
<text class="tick" x="${px(tick)}" y="${margin.top + plot.height + 17}" text-anchor="middle">${shortNumber(tick)}</text>`,
)}
<line class="axis" x1="${margin.left}" x2="${right}" y1="${margin.top + plot.height}" y2="${margin.top + plot.height}"/>
<text class="tick" x="${margin.left + plot.width / 2}" y="${height - 5}" text-anchor="middle">${chart.xLabel}</text>
${
  chart.reference &&
  html`<line class="reference" x1="${margin.left}" x2="${right}" y1="${py(chart.reference.y)}" y2="${py(chart.reference.y)}"><title>${chart.reference.name}: ${write(chart.reference.y)}</title></line>${label(chart.reference.name, 'muted')}`
}
${series.map(({ points, colour }) => {
  const shape = band(points);
  return shape && html`<path class="band series-${colour}" d="${shape}"/>`;
})}
${series.map(
  ({ name, colour, dashed, points }) => html`<g class="series-${colour}">
<path class="line${dashed ? ' dashed' : ''}" d="${path(points)}"/>
${points.map(
  (point) =>
    html`<circle class="point" cx="${px(point.x)}" cy="${py(point.y)}" r="2.6"><title>${name}, ${shortNumber(point.x)}: ${write(point.y)}${
      point.low !== undefined && point.high !== undefined ? ` (${write(point.low)} to ${write(point.high)})` : ''
    }</title></circle>`,
)}
${label(name, 'own')}</g>`,
)}
</svg>
</figure>`;
}
