// Charts: where points land, what is written beside the axes, and that nothing in a name can become markup.
import { describe, expect, it } from 'vitest';
import { type LineChart, lineChart, shortNumber } from './line-chart.ts';
import { linearScale, logScale } from './scale.ts';

describe('scales', () => {
  it('are even from tick to tick', () => {
    const { at, ticks } = linearScale(0, 1);
    expect(ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect([at(0), at(0.25), at(1)]).toEqual([0, 0.25, 1]);
    expect(linearScale(19.2, 20.4).ticks).toEqual([19, 19.5, 20, 20.5]);
    expect(linearScale(3, 3).ticks.length).toBeGreaterThan(1);
  });

  it('are logarithmic with few ticks', () => {
    const { at, ticks } = logScale(1, 1000);
    expect(ticks).toEqual([1, 10, 100, 1000]);
    expect(at(10)).toBeCloseTo(1 / 3, 12);
    expect(logScale(1, 100).ticks).toEqual([1, 2, 5, 10, 20, 50, 100]);
  });

  it('write numbers short', () => {
    expect([0, 0.25, 12.345, 1000, 1e7].map(shortNumber)).toEqual(['0', '0.25', '12.3', '1,000', '1e7']);
  });
});

describe('a chart', () => {
  const chart: LineChart = {
    title: 'Reliability',
    xLabel: 'edits',
    unit: 'share',
    series: [
      {
        name: 'rome <b>',
        colour: 0,
        points: [
          { x: 1, y: 1 },
          { x: 10, y: 0.5, low: 0.4, high: 0.6 },
          { x: 100, y: 0, low: 0, high: 0.1 },
        ],
      },
      { name: 'grace', colour: 1, points: [{ x: 1, y: 1 }] },
      { name: 'none', colour: 2, points: [] },
    ],
    reference: { name: 'no edit', y: 0.25 },
  };
  const { html } = lineChart(chart);

  it('draws each line through its points, a step of ten being as wide as the next', () => {
    const path = /class="line" d="M(\S+) (\S+)L(\S+) (\S+)L(\S+) (\S+)"/.exec(html)!.slice(1).map(Number);
    expect(path[4]! - path[2]!).toBeCloseTo(path[2]! - path[0]!, 1);
    expect(path[5]! - path[3]!).toBeCloseTo(path[3]! - path[1]!, 1);
    expect(html.match(/class="band series-/g)).toHaveLength(1);
    expect(html).toContain('<title>rome &lt;b&gt;, 10: 50% (40% to 60%)</title>');
  });

  it('labels every line that has points, apart from each other, and escapes names', () => {
    const labels = [...html.matchAll(/class="label \w+" x="\S+" y="(\S+)"[^>]*>([^<]*)</g)];
    expect(labels.map(([, , name]) => name).sort()).toEqual(['grace', 'no edit', 'rome &lt;b&gt;']);
    const heights = labels.map(([, y]) => Number(y)).sort((a, b) => a - b);
    for (let i = 1; i < heights.length; i++) expect(heights[i]! - heights[i - 1]!).toBeGreaterThanOrEqual(12.9);
    expect(html).not.toContain('<b>');
  });

  it('takes powers of ten where values explode', () => {
    const points = [20, 25, 4e6].map((y, i) => ({ x: 10 ** i, y }));
    const exploding = lineChart({
      title: 'P',
      xLabel: 'edits',
      unit: 'count',
      series: [{ name: 'a', colour: 0, points }],
    });
    expect(exploding.html).toContain('>100<');
    expect(exploding.html).toContain('>1e7<');
  });
});
