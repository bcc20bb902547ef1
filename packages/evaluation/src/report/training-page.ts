// The page of a training: how the losses fell, and what each checkpoint came to on what was not trained on.
import { z } from 'zod';
import { type ChartSeries, html, lineChart, raw } from '../charts/index.ts';
import { pageStyle } from './page-style.ts';

const pointSchema = z.object({ step: z.number() }).catchall(z.number());

/** What an artefact that was trained tells of its course: losses by steps, shares by checkpoints, and the checkpoint that was chosen. */
const courseSchema = z.object({
  curve: z.array(pointSchema).min(1),
  validations: z.array(pointSchema).min(1),
  chosen: z.number(),
});
export type TrainingCourse = z.output<typeof courseSchema>;

/** The course that an artefact's details tell; undefined for one that was not trained. */
export const trainingCourse = (details: unknown): TrainingCourse | undefined => courseSchema.safeParse(details).data;

/** A line for each number of the points, where a point has it. */
function seriesOf(points: TrainingCourse['curve']): readonly ChartSeries[] {
  const names = [...new Set(points.flatMap(({ step: _, ...values }) => Object.keys(values)))];
  return names.map((name, colour) => ({
    name: name.replaceAll('_', ' '),
    colour,
    points: points.flatMap(({ step, [name]: y }) => (y === undefined ? [] : [{ x: step, y }])),
  }));
}

/** Values that are read in another way too, as `pairs_score` is beside `score`, in a list of its own by the name of that way. */
function byReading(points: TrainingCourse['curve']): ReadonlyMap<string, TrainingCourse['curve']> {
  const names = new Set(points.flatMap((point) => Object.keys(point)));
  const readingOf = (name: string) => {
    const at = name.indexOf('_');
    return at > 0 && names.has(name.slice(at + 1)) ? name.slice(0, at) : '';
  };
  const readings = [...new Set([...names].filter((name) => name !== 'step').map(readingOf))];
  const of = (point: TrainingCourse['curve'][number], reading: string) =>
    Object.entries(point).flatMap(([name, value]): [string, number][] =>
      name !== 'step' && readingOf(name) === reading
        ? [[reading === '' ? name : name.slice(reading.length + 1), value]]
        : [],
    );
  return new Map(
    readings.map((reading) => [
      reading,
      points.map((point) => ({ step: point.step, ...Object.fromEntries(of(point, reading)) })),
    ]),
  );
}

/** @param what whose training it is, as the page is to call it */
export function trainingPage(what: string, { curve, validations, chosen }: TrainingCourse): string {
  const title = `Training of ${what}`;
  const best = validations.find(({ step }) => step === chosen);
  const charts = [
    lineChart({ title: 'Loss, and its terms', xLabel: 'step', unit: 'count', series: seriesOf(curve) }),
    ...Array.from(byReading(validations), ([reading, points]) => {
      const title = `On what was not trained on${reading === '' ? '' : `: ${reading}`}`;
      return lineChart({ title, xLabel: 'step', unit: 'share', series: seriesOf(points) });
    }),
  ];
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${raw(pageStyle)}</style></head><body><main>
<header><h1>${title}</h1><p class="lede">${curve.at(-1)!.step.toLocaleString('en-US')} steps; the checkpoint of step ${chosen.toLocaleString('en-US')} was chosen</p></header>
<section class="charts">${charts}</section>
<h2>The checkpoint</h2>
<table><thead><tr><th>validated</th><th>share</th></tr></thead><tbody>${Object.entries(best ?? {}).flatMap(
    ([name, value]) =>
      name === 'step' ? [] : [html`<tr><th>${name.replaceAll('_', ' ')}</th><td>${value.toFixed(3)}</td></tr>`],
  )}</tbody></table>
<footer>Written by Errata from what the artefact tells of itself.</footer>
</main></body></html>
`.html;
}
