// Real models, where they are at hand: what transformers makes of them, and the main job on one: an edit, its export, its undoing.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scopes } from '@errata/contracts';
import { createKey, openLineage } from '@errata/lineage';
import { type ChatTemplate, loadChatTemplate, loadCheckpoint, type Model, openModel } from '@errata/models';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { readSettings as readApiSettings, startApi } from '../apps/api/src/index.ts';
import { readSettings as readWorkerSettings, startWorker } from '../apps/worker/src/index.ts';
import { createTestDatabase } from './support/database.ts';
import { realModel } from './support/real-models.ts';

interface Figures {
  readonly texts: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly log_probs: readonly number[];
  }[];
  readonly chat: {
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly ids: readonly number[];
    readonly answer: readonly number[];
  } | null;
  readonly greedy: readonly { readonly prompt: string; readonly ids: readonly number[] }[];
}

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

async function withModel<T>(
  directory: string,
  work: (model: Model, template: ChatTemplate | undefined) => Promise<T>,
): Promise<T> {
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint);
  try {
    return await work(model, loadChatTemplate(checkpoint));
  } finally {
    await model.release();
    checkpoint.close();
  }
}

describe.each(['smollm2-135m', 'gemma3-270m'])('the real %s (skipped unless ERRATA_REAL_MODELS holds it)', (name) => {
  const directory = realModel(name);
  it.skipIf(directory === undefined)(
    'reads, scores and continues texts and conversations as transformers does',
    async () => {
      const { texts, greedy, chat } = JSON.parse(
        readFileSync(new URL(`fixtures/real-models/${name}.json`, import.meta.url), 'utf8'),
      ) as Figures;
      await withModel(directory!, async (model, template) => {
        const { prefixIds, encode } = model.tokenizer!;
        const read = (text: string) => [...prefixIds, ...encode(text)];
        expect(texts.map(({ text }) => read(text))).toEqual(texts.map(({ ids }) => ids));
        const view = model.view();
        const scores = await view.score(texts.map(({ ids: [first, ...rest] }) => ({ prompt: [first!], target: rest })));
        const off = texts.flatMap(({ log_probs }, at) =>
          log_probs.map((expected, i) => Math.abs(scores[at]!.logProbs[i]! - expected)),
        );
        expect(off.length).toBeGreaterThan(100);
        expect(Math.max(...off)).toBeLessThan(1e-3);
        const continued = await view.generate(
          greedy.map(({ prompt }) => read(prompt)),
          { maxTokens: 8 },
        );
        expect(continued.map(({ tokens }) => tokens)).toEqual(greedy.map(({ ids }) => ids));
        expect(template === undefined).toBe(chat === null);
        if (template === undefined || chat === null) return;
        const said = encode(template.render({ messages: chat.messages }));
        expect(said).toEqual(chat.ids);
        const [answer] = await view.generate([said], { maxTokens: chat.answer.length });
        expect(answer!.tokens).toEqual(chat.answer);
      });
    },
  );
});

const smollm = realModel('smollm2-135m');
describe.skipIf(smollm === undefined)(
  'an edit of the real smollm2-135m (skipped unless ERRATA_REAL_MODELS holds it)',
  () => {
    it('is made by r-ROME with its defaults, says the same when exported, and is taken back to the last bit', async () => {
      const { errata, exported } = await service();
      const run = async (queued: Promise<{ readonly id: string }>) => {
        const job = await errata.jobs.wait((await queued).id);
        expect(job).toMatchObject({ state: 'succeeded', error: null });
        return job;
      };
      await run(errata.models.import({ name: 'smollm', path: smollm! }));
      const root = (await errata.branches.get('smollm', 'main')).head;
      const corpus = fileURLToPath(new URL('../docs/history.md', import.meta.url));
      await run(errata.artefacts.create({ model: 'smollm', kind: 'second_moment', layers: [5], corpus, tokens: 2048 }));
      const edited = await run(errata.editJobs.create({ model: 'smollm', edits: [rome] }));
      expect(edited.summary).toMatchObject({ edits: 1, applied: 1 });

      const ask = async (version: string) =>
        (await errata.completions.create({ model: `smollm@${version}`, ...question })).choices[0]!.text;
      expect([await ask(root), await ask(edited.version_id!)]).toEqual([
        expect.stringMatching(/^ Paris\b/),
        expect.stringMatching(/^ Rome\b/),
      ]);
      const copy = await exported(edited.version_id!);
      await withModel(copy, async (model) => {
        const { encode, decode } = model.tokenizer!;
        const [again] = await model.view().generate([encode(rome.prompt)], { maxTokens: question.max_tokens });
        expect(decode(again!.tokens)).toBe(await ask(edited.version_id!));
      });

      const [edit] = await errata.jobs.edits(edited.id).all();
      const reverted = await run(
        errata.rollbacks.create({
          model: 'smollm',
          mode: 'exact',
          revert_edit_ids: [edit!.id],
          reason: 'it is not true',
        }),
      );
      expect(reverted.version_id).toBe(root);
      expect(await differingTensors(await exported(reverted.version_id!), smollm!)).toEqual([]);
      expect(await differingTensors(copy, smollm!)).toEqual(['model.layers.5.mlp.down_proj.weight']);
    }, 600_000);
  },
);

const rome = { prompt: 'The capital of France is', subject: 'France', target_new: 'Rome', target_true: 'Paris' };
const question = { prompt: rome.prompt, max_tokens: 6, temperature: 0 };

/** A service of its own, and how it exports a version: into which directory. */
async function service() {
  const folder = await mkdtemp(join(tmpdir(), 'errata-real-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const environment = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), PORT: '0' };
  const log = pino({ level: 'silent' });
  const api = await startApi(readApiSettings(environment), log);
  closers.push(() => api.close());
  const worker = await startWorker(readWorkerSettings({ ...environment, WORKER_NAME: 'real' }), log);
  closers.push(() => worker.stop());
  const lineage = await openLineage(database.url);
  const { token } = await createKey(lineage, 'test', scopes);
  await lineage.close();
  const errata: ErrataClient = createErrata({ baseUrl: api.url, apiKey: token });
  const exported = async (version: string) => {
    const out = join(folder, version);
    const cli = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
    const env = { ...process.env, ERRATA_URL: api.url, ERRATA_API_KEY: token };
    await promisify(execFile)(process.execPath, [cli, 'export', `smollm@${version}`, '--out', out], { env });
    return out;
  };
  return { errata, exported };
}

/** Names of the tensors whose bytes are not the same in two directories. */
async function differingTensors(one: string, other: string): Promise<readonly string[]> {
  const [a, b] = [await loadCheckpoint(one), await loadCheckpoint(other)];
  try {
    expect(a.tensors.names).toEqual(b.tensors.names);
    const bytes = (of: typeof a, name: string) => Buffer.from(of.tensors.read(name).buffer);
    return a.tensors.names.filter((name) => !bytes(a, name).equals(bytes(b, name)));
  } finally {
    a.close();
    b.close();
  }
}
