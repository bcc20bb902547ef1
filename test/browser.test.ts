// Contracts, SDK, the catalogue of editors and the charts of reports run in a browser: they bundle for one without a module of Node, and say there what they say here.
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import * as contracts from '@errata/contracts';
import * as catalogue from '@errata/editors/catalogue';
import * as charts from '@errata/evaluation/charts';
import * as sdk from '@errata/sdk';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What a browser has beside the language itself, as far as these may use it. */
const browser = () => ({
  ...{ AbortController, AbortSignal, DOMException, Response, TextDecoder, TextEncoder, URL, URLSearchParams },
  ...{ clearTimeout, console, crypto, fetch, performance, setTimeout },
});

/** A package as a page would load it. @throws where a module of Node stands in the way */
async function inBrowser<Face>(name: string): Promise<Face> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${name}'`, resolveDir: root },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'face',
    write: false,
    logLevel: 'silent',
  });
  return runInContext(`${outputFiles[0]!.text}; face`, createContext(browser())) as Face;
}

const edit = { custom_id: 'a', prompt: 'The capital of {} is', subject: 'Österreich', target_new: '\ud800 Wien 😀' };

test('the contracts check, judge and name in a browser as they do here', async () => {
  const there = await inBrowser<typeof contracts>('@errata/contracts');
  expect(Object.keys(there).sort()).toEqual(Object.keys(contracts).sort());
  const say = async (here: typeof contracts) => {
    const model = here.sha256(new Uint8Array([0, 1, 255]));
    const manifest = { ...here.rootManifest(model), deltas: [{ kind: 'low_rank' as const, blob: here.sha256('') }] };
    const { edits } = here.checkEdits([edit]);
    expect(edits).toHaveLength(1);
    return {
      version: here.versionId(manifest),
      suite: here.suiteDigest(edits.map((each) => ({ kind: 'edit' as const, edit: each }))),
      results: here.resultsDigest({ cases: [], rows: [] }),
      complaints: await here.inSlices(here.parsingEdits('{"custom_id": 1}\nnot json'), 0),
      verdict: here.judge(here.defaultGatePolicy, { values: { reliability: 0.5, locality: 0.9 } }),
      due: here.nextDue({ pattern: '0 9 * * 1-5', time_zone: 'Europe/Berlin' }, new Date('2026-03-28'))?.toISOString(),
      followed: await here.withSignal({ follow: [AbortSignal.abort('enough')] }, async ({ reason }) => reason),
    };
  };
  expect(JSON.stringify(await say(there))).toBe(JSON.stringify(await say(contracts)));
});

test('the catalogue describes the editors and checks their settings in a browser, where none can be run', async () => {
  const there = await inBrowser<typeof catalogue>('@errata/editors/catalogue');
  const shape = { model_type: 'gpt2', layers: 12, width: 768 };
  const say = (here: typeof catalogue) =>
    here.editorNames.map((name) => {
      const config = here.resolveConfig(name, shape, undefined, {});
      return { config, needs: here.artefactNeeds(name, config, shape, 0), ...here.describeEditor(name).reference };
    });
  expect(JSON.stringify(say(there))).toBe(JSON.stringify(say(catalogue)));
  expect(() => there.checkOverrides('rome', { stepz: 1 })).toThrow('rome has no setting "stepz"');
  for (const name of there.editorNames)
    expect((await there.describeEditor(name).load()).edit).toThrow('not in a browser');
  for (const kind of there.artefactKindNames) expect((await there.describeArtefact(kind).load()).builder).toBe(null);
});

test('charts are drawn in a browser as in a report, and nothing in one has a style of its own', async () => {
  const there = await inBrowser<typeof charts>('@errata/evaluation/charts');
  const draw = (here: typeof charts) => {
    const points = [1, 10, 100].map((x) => ({ x, y: 1 / x, low: 0, high: 1 }));
    const run = { name: 'rome', metrics: ['reliability.exact'], points: () => points, before: () => 0.1 };
    const heat = {
      title: 'MLPs',
      rows: [{ name: 'last', values: [1, -1] }],
      columnLabel: 'layer',
      greatest: 1,
      marked: 1,
    };
    return [...here.metricCharts([run]).map(here.lineChart), here.heatMap(heat)].map(({ html }) => html).join('');
  };
  expect(draw(there)).toBe(draw(charts));
  expect(draw(charts)).toContain('class="series-0"');
  expect(draw(charts)).not.toMatch(/<[^>]* style=/);
});

test('the client of the API has the same members in a browser', async () => {
  const there = await inBrowser<typeof sdk>('@errata/sdk');
  const members = ({ createErrata }: typeof sdk) =>
    Object.entries(createErrata({ baseUrl: 'http://127.0.0.1', apiKey: 'none' })).map(([name, member]) => [
      name,
      Object.keys(member),
    ]);
  expect(members(there)).toEqual(members(sdk));
});
