// What is shipped for operating the service fits the service: units start its programs, rules and panels ask for metrics that it has.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createMetrics as metricsOfApi } from '../apps/api/src/metrics.ts';
import { createMetrics as metricsOfWorker } from '../apps/worker/src/metrics.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Labels that Prometheus adds, and the series it has of itself. */
const added = ['job', 'instance'];
const ofPrometheus = new Map([['up', new Set(added)]]);

/** Every series of both programs with the labels that it can have, as a scrape shows them once everything has happened. */
async function served(): Promise<Map<string, Set<string>>> {
  const api = metricsOfApi({ openJobs: async () => new Map(), states: ['queued'] });
  api.requestSeconds.observe({ method: 'GET', route: '/', status: 200 }, 1);
  api.completionTokens.inc({ kind: 'read' });
  const worker = metricsOfWorker(() => 0);
  worker.jobEnded('edit', 'succeeded', 1);
  worker.wakeUpAnswered('empty');
  worker.scheduleRan('submitted');
  worker.webhookSent('delivered');
  const found = new Map<string, Set<string>>(ofPrometheus);
  for (const text of [await api.render(), await worker.registry.metrics()]) {
    for (const line of text.split('\n')) {
      const series = /^([a-z_]+)(?:\{(.*)\})? /.exec(line);
      if (series === null) continue;
      const labels = [...(series[2] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label!);
      found.set(series[1]!, new Set([...(found.get(series[1]!) ?? added), ...labels]));
    }
  }
  return found;
}

let series: Map<string, Set<string>>;
beforeAll(async () => {
  series = await served();
});

/** What is wrong with an expression of PromQL, given what there is. */
function faultsOf(expression: string): string[] {
  const tree: Tree = parser.parse(expression);
  const faults: string[] = [];
  const names = new Set<string>();
  const labels = new Set<string>();
  tree.iterate({
    enter: ({ type, from, to }) => {
      const text = expression.slice(from, to);
      if (type.isError) faults.push(`not PromQL at ${from}: ${expression}`);
      if (type.name === 'Identifier') names.add(text);
      if (type.name === 'LabelName') labels.add(text);
    },
  });
  for (const name of names) if (!series.has(name)) faults.push(`${name} is measured by nothing`);
  const known = new Set([...names].flatMap((name) => [...(series.get(name) ?? [])]));
  for (const label of labels) if (!known.has(label)) faults.push(`${[...names]} has no label ${label}`);
  return faults;
}

test('an expression on what nothing measures, on a label that is not there, or that is none, is found out', () => {
  expect(faultsOf('sum by (state) (errata_jobs)')).toEqual([]);
  expect(faultsOf('errata_job')).toEqual(['errata_job is measured by nothing']);
  expect(faultsOf('sum by (kind) (errata_jobs)')).toEqual(['errata_jobs has no label kind']);
  expect(faultsOf('sum by (state) (errata_jobs')).not.toEqual([]);
});

test('names follow the conventions: a prefix, base units, totals of counters', () => {
  for (const name of series.keys()) {
    if (!name.startsWith('errata_') || /_(process|nodejs)_/.test(name)) continue;
    expect(name).toMatch(/^errata_[a-z]+(_[a-z]+)*$/);
    expect(name).not.toMatch(/_(ms|milliseconds|mb|megabytes|minutes|percent)(_|$)/);
  }
  for (const [registry, text] of [
    ['worker', read('apps/worker/src/metrics.ts')],
    ['API', read('apps/api/src/metrics.ts')],
  ] as const)
    for (const [, name] of text.matchAll(/new Counter\(\{\s*name: '([a-z_]+)'/g))
      expect(name, `a counter of the ${registry}`).toMatch(/_total$/);
});

const rules = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Errata[A-Z]\w+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+m$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});

test('the example of settings names none that no program reads', () => {
  const programs = ['apps/api/src/settings.ts', 'apps/worker/src/settings.ts', 'packages/blobs/src/place.ts']
    .map(read)
    .join();
  const ofOthers = [
    'AWS_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'BACKUP_PLACE',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
  ];
  for (const [, name] of read('deploy/errata.env').matchAll(/^#? ?([A-Z][A-Z_]+)=/gm))
    expect(ofOthers.includes(name!) || programs.includes(`${name}: `), name).toBe(true);
});

test('every alert asks for what is measured, and says what it means', () => {
  const alerts = rules.parse(parse(read('deploy/prometheus/errata.rules.yml'))).groups.flatMap((group) => group.rules);
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  for (const { alert, expr, annotations } of alerts) {
    expect({ alert, faults: faultsOf(expr) }).toEqual({ alert, faults: [] });
    const shown = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
    for (const label of shown) expect(`${expr} instance`).toContain(label);
  }
});

const dashboard = z.looseObject({
  title: z.string(),
  uid: z.string(),
  panels: z.array(
    z.looseObject({
      id: z.int(),
      title: z.string(),
      gridPos: z.strictObject({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
      targets: z.array(z.strictObject({ refId: z.string(), expr: z.string(), legendFormat: z.string() })).min(1),
    }),
  ),
});

test('every panel of the dashboard asks for what is measured, and has a place of its own', () => {
  const { panels } = dashboard.parse(JSON.parse(read('deploy/grafana/errata.json')));
  for (const { title, targets } of panels)
    for (const { expr } of targets) expect({ title, faults: faultsOf(expr) }).toEqual({ title, faults: [] });
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length);
});

const units = readdirSync(join(root, 'deploy/systemd'));

describe('units of systemd', () => {
  test.each(units.filter((unit) => unit.endsWith('.service')))('%s starts a program that is there', (unit) => {
    const program = /^ExecStart=\/usr\/bin\/node (\S+)/m.exec(read(`deploy/systemd/${unit}`))?.[1];
    expect(existsSync(join(root, program!))).toBe(true);
  });

  const absent = spawnSync('systemd-analyze', ['--version']).error !== undefined;
  test.skipIf(absent)(`are right as systemd reads them${absent ? ' (skipped: no systemd-analyze)' : ''}`, () => {
    const files = units.map((unit) => join(root, 'deploy/systemd', unit));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', ...files], {
      encoding: 'utf8',
    });
    // Of the machine that this runs on, and not of the units.
    const complaints = stderr.split('\n').filter((line) => line !== '' && !line.includes('is not executable'));
    expect({ status: complaints.length === 0 ? 0 : status, complaints }).toEqual({ status: 0, complaints: [] });
  });
});
