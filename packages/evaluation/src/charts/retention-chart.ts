// The curve of retention: which share of the edits of a version holds in it, against when they were made.
import { type Retention, shareInterval } from '@errata/contracts';
import type { LineChart } from './line-chart.ts';

/** Slices of which something was asked, each with the interval of its share. */
export function retentionChart(slices: Retention['slices']): LineChart {
  const asked = slices.filter(({ edits }) => edits > 0);
  return {
    title: 'Edits that hold, by when they were made',
    xLabel: 'edits, the earliest first',
    unit: 'share',
    even: true,
    series: [
      {
        name: 'hold',
        colour: 0,
        points: asked.map(({ from, to, edits, held }) => {
          const share = held / edits;
          // One edit holds or does not.
          return { x: (from + to) / 2, y: share, ...(edits > 1 ? shareInterval(share, edits) : {}) };
        }),
      },
    ],
  };
}
