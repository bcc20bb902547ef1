// Heat maps as inline SVG: a number for every row and column, by the strength of one colour; those below zero by another.
import { type Html, html } from './html.ts';

export interface HeatMap {
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly values: readonly number[] }[];
  readonly columnLabel: string;
  /** The number at full strength; maps side by side share it. */
  readonly greatest: number;
  /** A column to mark. */
  readonly marked?: number;
}

const cell = { width: 16, height: 22 };
const margin = { top: 6, right: 10, bottom: 40, left: 138 };
/** Columns between two that are numbered. */
const between = 5;

const two = (value: number) => Number(value.toFixed(2));

export function heatMap({ title, rows, columnLabel, greatest, marked }: HeatMap): Html {
  const columns = rows[0]!.values.length;
  const [across, down] = [columns * cell.width, rows.length * cell.height];
  const [width, height] = [margin.left + across + margin.right, margin.top + down + margin.bottom];
  const cells = rows.flatMap(({ name, values }, row) =>
    values.map((value, column) => {
      const strength = two(greatest === 0 ? 0 : Math.min(1, Math.abs(value) / greatest));
      const [x, y] = [margin.left + column * cell.width, margin.top + row * cell.height];
      return html`<rect class="heat series-${value < 0 ? 1 : 0}" x="${x}" y="${y}" width="${cell.width}" height="${cell.height}" fill-opacity="${strength}"><title>${name}, ${columnLabel} ${column}: ${value.toFixed(4)}</title></rect>`;
    }),
  );
  const names = rows.map(
    ({ name }, row) =>
      html`<text class="tick" x="${margin.left - 8}" y="${margin.top + (row + 0.68) * cell.height}" text-anchor="end">${name}</text>`,
  );
  const numbered = Array.from({ length: columns }, (_, column) => column).filter((column) => column % between === 0);
  const numbers = numbered.map(
    (column) =>
      html`<text class="tick" x="${margin.left + (column + 0.5) * cell.width}" y="${margin.top + down + 15}" text-anchor="middle">${column}</text>`,
  );
  const mark =
    marked === undefined
      ? null
      : html`<rect class="mark" x="${margin.left + marked * cell.width}" y="${margin.top}" width="${cell.width}" height="${down}"/>`;
  return html`<figure class="chart"><figcaption>${title}</figcaption><svg class="as-wide" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${cells}<rect class="axis" x="${margin.left}" y="${margin.top}" width="${across}" height="${down}" fill="none"/>${mark}${names}${numbers}
<text class="label" x="${margin.left + across / 2}" y="${margin.top + down + 33}" text-anchor="middle">${columnLabel}</text></svg></figure>`;
}
