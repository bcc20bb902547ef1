// A real engine process on a tiny model: import, statistics, edits, evaluation, completions, and what goes wrong.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type ArtefactNeed,
  type ArtefactUse,
  type Edit,
  editSchema,
  type Manifest,
  rootManifest,
  versionId,
} from '@errata/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCorpus, writeTinyModel } from '../../../test/support/tiny-model.ts';
import {
  type CompletionPart,
  type EngineClient,
  type ModelInspection,
  type ModelReference,
  startEngine,
} from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-engine-'));
const blobsDir = join(folder, 'blobs');
const removals: (() => void)[] = [];
let engine: EngineClient;
let directory: string;
let model: ModelInspection;
let root: Manifest;

beforeAll(async () => {
  const tiny = await writeTinyModel();
  removals.push(tiny.remove);
  directory = tiny.path;
  engine = startEngine({ blobsDir, threads: 1 });
  model = await engine.call('importModel', { path: directory });
  root = rootManifest(model.digest);
});

afterAll(async () => {
  await engine.stop();
  for (const remove of removals) remove();
  rmSync(folder, { recursive: true, force: true });
});

const sampling = { max_tokens: 5, temperature: 0, seed: 0 };
const edits: readonly Edit[] = [
  editSchema.parse({
    custom_id: 'capital',
    // The subject stands last: attention with random weights would carry little of an edit further on.
    prompt: 'The capital of Oz',
    subject: 'Oz',
    target_new: '!',
    rephrases: ['Oz is governed from'],
    locality: { neighbourhood: [{ prompt: 'The capital of Ix is' }] },
  }),
];
const reference = (): ModelReference => ({ digest: model.digest, files: model.files });
const settings = { layer: 1, prefixes: [[2, 3]], steps: 40, weight_decay: 0, kl_factor: 0 };

const secondMomentAt = (layer: number): ArtefactNeed => ({
  kind: 'second_moment',
  scope: `layer ${layer}`,
  parameters: {},
});

/** What a call that builds second moments is asked. */
const moments = (layers: readonly number[], request: object = {}) => ({
  model: reference(),
  kind: 'second_moment',
  needs: layers.map(secondMomentAt),
  request: { ...request },
  parents: [],
});

/** Has artefacts built, to be used. */
async function built(kind: string, needs: readonly ArtefactNeed[]): Promise<readonly ArtefactUse[]> {
  const request = { model: reference(), kind, needs, request: {}, parents: [] };
  const { artefacts } = await engine.call('buildArtefacts', request);
  return needs.map((need, index) => ({ ...need, blob: artefacts[index]!.blob }));
}

const prefixes: ArtefactNeed = {
  kind: 'context_prefixes',
  scope: 'model',
  parameters: { prefixes: settings.prefixes, seed: 3 },
};

/** Applies the edits with r-ROME and gives the candidate's manifest. */
async function applied(): Promise<{ manifest: Manifest; positions: readonly (readonly number[])[] }> {
  const artefacts = [
    ...(await built('second_moment', [secondMomentAt(1)])),
    ...(await built('context_prefixes', [prefixes])),
  ];
  const { deltas } = await engine.call('applyEdits', {
    model: reference(),
    parent: root,
    edits,
    editor: 'r-rome',
    config: settings,
    seed: 3,
    on_error: 'abort',
    artefacts,
  });
  return {
    manifest: { ...root, deltas: deltas.map(({ kind, blob }) => ({ kind, blob })) },
    positions: deltas.map(({ positions }) => positions),
  };
}

describe('importing', () => {
  it('says what the directory holds and stores its files', () => {
    expect(model).toMatchObject({
      model_type: 'gpt2',
      layers: 3,
      width: 32,
      vocabulary: 257,
      context: 96,
      has_tokenizer: true,
      defaults: { editors: {}, corpus: 'corpus.txt' },
    });
    expect(model.files.map(({ name }) => name)).toEqual(
      ['config.json', 'corpus.txt', 'errata.json', 'merges.txt', 'model.safetensors', 'vocab.json'].sort(),
    );
    const { sha256, size } = model.files.find(({ name }) => name === 'config.json')!;
    expect(readFileSync(join(blobsDir, sha256.slice(0, 2), sha256.slice(2)))).toHaveLength(size);
  });

  it('of the same directory gives the same digest, and inspecting stores nothing', async () => {
    expect(await engine.call('inspectModel', { path: directory })).toEqual(model);
  });

  it('makes a directory of an adapter and the base that it is given, and says what it came from', async () => {
    const fixture = (name: string) => new URL(`../../models/src/fixtures/${name}`, import.meta.url).pathname;
    const [path, base] = [fixture('adapters/llama'), fixture('llama-grouped')];
    const merged = await engine.call('importModel', { path, base });
    expect(merged.files.map(({ name }) => name)).toEqual(['config.json', 'expected.json', 'model.safetensors']);
    expect(merged.origin).toEqual([
      { reference: path, format: 'adapter' },
      { reference: base, format: 'safetensors' },
    ]);
    const version = rootManifest(merged.digest);
    expect(await engine.call('digestWeights', { model: merged, version })).toHaveProperty('digest');
  });

  it('refuses a directory that is no model', async () => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    await expect(engine.call('importModel', { path: empty })).rejects.toMatchObject({ code: 'not_a_model_directory' });
    await expect(engine.call('importModel', { path: join(folder, 'nowhere') })).rejects.toMatchObject({
      code: 'not_a_model_directory',
    });
  });

  it('names a pipe among the files instead of waiting for its other end', async () => {
    const defaults = { corpus: 'corpus.txt', artefacts: { demonstrations: 'edits.jsonl' } };
    const tiny = await writeTinyModel({ defaults, files: { 'edits.jsonl': '{}' } });
    removals.push(tiny.remove);
    for (const [name, code] of [
      ['edits.jsonl', 'corpus_missing'],
      ['corpus.txt', 'corpus_missing'],
      ['errata.json', 'invalid_config'],
      ['config.json', 'invalid_checkpoint'],
    ] as const) {
      rmSync(join(tiny.path, name), { force: true });
      execFileSync('mkfifo', [join(tiny.path, name)]);
      const refused = expect(engine.call('importModel', { path: tiny.path })).rejects;
      await refused.toMatchObject({ code, message: expect.stringMatching(`${name}.* is a pipe, not a file`) });
    }
  });

  it('refuses weights that are cut short and settings that are none', async () => {
    const tiny = await writeTinyModel({ defaults: { corpus: '../../secrets' } });
    removals.push(tiny.remove);
    await expect(engine.call('importModel', { path: tiny.path })).rejects.toMatchObject({ code: 'corpus_missing' });
    writeFileSync(join(tiny.path, 'errata.json'), '{"artefacts": {"demonstrations": "../secrets"}}');
    await expect(engine.call('importModel', { path: tiny.path })).rejects.toMatchObject({
      code: 'corpus_missing',
      message: expect.stringContaining('demonstrations') as string,
    });
    writeFileSync(join(tiny.path, 'errata.json'), '{"artefacts": {"nothing": "a"}}');
    await expect(engine.call('importModel', { path: tiny.path })).rejects.toMatchObject({ code: 'invalid_config' });
    writeFileSync(join(tiny.path, 'errata.json'), '{"editor": 1}');
    await expect(engine.call('importModel', { path: tiny.path })).rejects.toMatchObject({ code: 'invalid_config' });
    writeFileSync(
      join(tiny.path, 'model.safetensors'),
      readFileSync(join(tiny.path, 'model.safetensors')).subarray(0, 9000),
    );
    await expect(engine.call('importModel', { path: tiny.path })).rejects.toMatchObject({
      code: 'invalid_checkpoint',
      details: { rule: 'safetensors_offsets_beyond_file' },
    });
  });
});

describe('a round trip', () => {
  it('edits, evaluates and serves a version, and the parent stays what it was', async () => {
    const before = await engine.call('digestWeights', { model: reference(), version: root });
    const { manifest, positions } = await applied();
    expect(positions).toEqual([[0]]);
    expect(versionId(manifest)).not.toBe(versionId(root));

    const stages = new Set<string>();
    const evaluation = await engine.call(
      'evaluateCandidate',
      { model: reference(), parent: root, candidate: manifest, edits, edit_seconds: 2 },
      { onProgress: ({ stage }) => stages.add(stage) },
    );
    expect([...stages]).toEqual(['parent', 'candidate', 'perplexity']);
    const { summary, results, measured } = evaluation;
    expect(summary.reliability.after.token).toBeGreaterThan(summary.reliability.before.token);
    expect(summary.delta_norm).toBeGreaterThan(0);
    expect(summary.perplexity).not.toBeNull();
    expect(summary.seconds.edit).toBe(2);
    expect(measured.values.reliability).toBe(summary.reliability.after.token);
    expect(results).toHaveLength(1);

    const ask = (version: Manifest) =>
      engine.call('complete', { model: reference(), version: version, prompts: ['The capital of Oz'], sampling });
    const [old, edited] = [await ask(root), await ask(manifest)];
    expect(edited.completions[0]).toMatchObject({ finish_reason: 'length', prompt_tokens: 17, completion_tokens: 5 });
    expect(edited.completions[0]!.text).not.toBe(old.completions[0]!.text);

    expect(await engine.call('digestWeights', { model: reference(), version: root })).toEqual(before);
    expect(await engine.call('digestWeights', { model: reference(), version: manifest })).not.toEqual(before);
  });

  it('gives the same deltas and the same weights in another process', async () => {
    const { manifest } = await applied();
    const { digest } = await engine.call('digestWeights', { model: reference(), version: manifest });
    const other = startEngine({ blobsDir, threads: 1 });
    try {
      expect(await other.call('digestWeights', { model: reference(), version: manifest })).toEqual({ digest });
      const here = await engine.call('logits', { model: reference(), version: manifest, prompt: 'Oz is' });
      expect(await other.call('logits', { model: reference(), version: manifest, prompt: 'Oz is' })).toEqual(here);
      expect(here.logits).toBeInstanceOf(Float32Array);
    } finally {
      await other.stop();
    }
    expect((await applied()).manifest).toEqual(manifest);
  });

  it('reports edits that fail and goes on, when told to', async () => {
    const strange = editSchema.parse({ ...edits[0], custom_id: 'strange', subject: 'Ur' });
    const request = {
      model: reference(),
      parent: root,
      edits: [strange, ...edits],
      editor: 'r-rome',
      config: { ...settings, second_moment: false },
      seed: 3,
      artefacts: await built('context_prefixes', [prefixes]),
    };
    await expect(engine.call('applyEdits', { ...request, on_error: 'abort' })).rejects.toMatchObject({
      code: 'subject_not_in_prompt',
    });
    const { deltas, outcomes } = await engine.call('applyEdits', { ...request, on_error: 'continue' });
    expect(outcomes).toMatchObject([
      { outcome: 'failed', error: { code: 'subject_not_in_prompt' } },
      { outcome: 'applied', diagnostics: { steps: expect.any(Number) } },
    ]);
    expect(deltas.map(({ positions }) => positions)).toEqual([[1]]);
  });

  it('says which settings, artefacts and versions do not exist', async () => {
    const request = { model: reference(), parent: root, edits, seed: 0, on_error: 'abort' as const, artefacts: [] };
    await expect(engine.call('applyEdits', { ...request, editor: 'nobody', config: {} })).rejects.toMatchObject({
      code: 'unknown_editor',
    });
    await expect(
      engine.call('applyEdits', { ...request, editor: 'r-rome', config: { colour: 'red' } }),
    ).rejects.toMatchObject({ code: 'unknown_config_key', errors: [{ field: 'colour' }] });
    await expect(engine.call('applyEdits', { ...request, editor: 'r-rome', config: settings })).rejects.toMatchObject({
      code: 'artefact_missing',
    });
    const blob = '0'.repeat(64);
    const manifest = { ...root, deltas: [{ kind: 'low_rank' as const, blob }] };
    await expect(engine.call('digestWeights', { model: reference(), version: manifest })).rejects.toMatchObject({
      code: 'blob_missing',
    });
  });
});

describe('second moments', () => {
  it('go on from the last checkpoint after a crash, and come out the same', async () => {
    const corpus = join(folder, 'long.txt');
    writeFileSync(corpus, tinyCorpus().repeat(8));
    const params = moments([0, 2], { corpus });
    process.env.ERRATA_FAILPOINT = 'blob.before_write:kill';
    const doomed = startEngine({ blobsDir, threads: 1 });
    const broken = doomed.call('buildArtefacts', params);
    delete process.env.ERRATA_FAILPOINT;
    await expect(broken).rejects.toMatchObject({ code: 'engine_crashed' });
    await doomed.stop();

    const read: number[] = [];
    const resumed = await engine.call('buildArtefacts', params, { onProgress: ({ done }) => read.push(done) });
    // 256 windows of 96 tokens lie before the checkpoint.
    expect(read[0]).toBeGreaterThan(256 * 96);
    const unbroken = await engine.call('buildArtefacts', params);
    expect(resumed).toEqual(unbroken);
    expect(unbroken.artefacts).toMatchObject([
      { scope: 'layer 0', details: { model: model.digest, size: 64, statistic: 'mean' } },
      { scope: 'layer 2' },
    ]);
  });

  it('need a text, and a layer that exists', async () => {
    const call = (request: object, layers = [0], more: object = {}) =>
      engine.call('buildArtefacts', { ...moments(layers, request), ...more });
    await expect(call({ corpus: join(folder, 'nowhere.txt') })).rejects.toMatchObject({ code: 'corpus_missing' });
    const pipe = join(folder, 'pipe.txt');
    execFileSync('mkfifo', [pipe]);
    await expect(call({ corpus: pipe })).rejects.toMatchObject({ code: 'corpus_missing' });
    await expect(call({}, [7])).rejects.toMatchObject({ code: 'invalid_request' });
    const bare = await writeTinyModel({ seed: 5, defaults: null });
    removals.push(bare.remove);
    const imported = await engine.call('importModel', { path: bare.path });
    await expect(call({}, [0], { model: imported })).rejects.toMatchObject({ code: 'corpus_missing' });
  });
});

describe('completions', () => {
  const complete = (manifest: Manifest, prompts: readonly string[], more: object = {}) =>
    engine.call('complete', { model: reference(), version: manifest, prompts, sampling: { ...sampling, ...more } });

  it('do not depend on their company', async () => {
    const hot = { temperature: 1, seed: 7, max_tokens: 8 };
    const together = await complete(root, ['The river', 'A stone walks'], hot);
    const alone = await complete(root, ['The river'], hot);
    expect(together.completions[0]).toEqual(alone.completions[0]);
  });

  it('end at a stop sequence, which is not part of them', async () => {
    const [whole] = (await complete(root, ['The river'])).completions;
    const stop = whole!.text.slice(2, 3);
    const [cut] = (await complete(root, ['The river'], { stop: [stop] })).completions;
    expect(cut!.finish_reason).toBe('stop');
    expect(cut!.text).toBe(whole!.text.slice(0, whole!.text.indexOf(stop)));
    expect(cut!.completion_tokens).toBeLessThanOrEqual(3);
  });

  it('come in parts that are the same text, of whole characters and without a stop sequence that crosses tokens', async () => {
    // A token a byte: every sequence crosses tokens, and so does every character of two bytes.
    const ask = async (more: object) => {
      const parts: CompletionPart[] = [];
      const params = { model: reference(), version: root, prompts: ['The river', 'Oz'], parts: true };
      const asked = { ...params, sampling: { ...sampling, temperature: 2, seed: 4, max_tokens: 60, n: 2, ...more } };
      const { completions } = await engine.call('complete', asked, { onPart: (part) => parts.push(part) });
      const texts = completions.map((_, index) => parts.filter((part) => part.index === index).map(({ text }) => text));
      return { completions, texts };
    };
    const { completions, texts } = await ask({});
    expect(completions).toHaveLength(4);
    expect(texts.map((pieces) => pieces.join(''))).toEqual(completions.map(({ text }) => text));
    expect(Math.min(...texts.map(({ length }) => length))).toBeGreaterThan(3);
    expect(new Set(completions.map(({ text }) => text)).size).toBe(4);
    const whole = completions[0]!.text;
    const [first] = /[ -~]{2}/.exec(whole.slice(10)) ?? [];
    const cut = await ask({ stop: ['\u0001never', first!] });
    expect(cut.completions[0]).toMatchObject({ text: whole.slice(0, whole.indexOf(first!)), finish_reason: 'stop' });
    expect(cut.texts[0]!.join('')).toBe(cut.completions[0]!.text);
  });

  it('say how probable every token was, echo their prompts, and take tokens for text', async () => {
    const greedy = { ...sampling, max_tokens: 3 };
    const params = { model: reference(), version: root, sampling: greedy, logprobs: 2 };
    const [echoed] = (await engine.call('complete', { ...params, prompts: ['Oz is'], echo: true })).completions;
    const ids = [...Buffer.from('Oz is')];
    const [alone] = (await engine.call('complete', { ...params, prompts: [ids] })).completions;
    expect(echoed!.text).toBe(`Oz is${alone!.text}`);
    expect(echoed!.tokens!.map(({ token }) => token).slice(0, 5)).toEqual(['O', 'z', ' ', 'i', 's']);
    expect(echoed!.tokens!.map(({ offset }) => offset).slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(echoed!.tokens![0]).toMatchObject({ logprob: null, top: [] });
    // The second goes on from what the first has read: equal but for rounding.
    for (const [at, { logprob }] of alone!.tokens!.entries())
      expect(echoed!.tokens![5 + at]!.logprob).toBeCloseTo(logprob!, 5);
    for (const { logprob, top } of alone!.tokens!) expect(top[0]!.logprob).toBe(logprob);
    const nothing = { ...params, sampling: { ...greedy, max_tokens: 0 }, prompts: ['Oz is'], echo: true };
    const [likelihoods] = (await engine.call('complete', nothing)).completions;
    expect(likelihoods!.tokens).toEqual(echoed!.tokens!.slice(0, 5));
    const { logits } = await engine.call('logits', { model: reference(), version: root, prompt: 'Oz i' });
    const norm = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    expect(likelihoods!.tokens![4]!.logprob).toBeCloseTo(logits['s'.charCodeAt(0)]! - norm, 4);
  });

  it('are written side by side: who asks for little waits for nobody, and who leaves is not waited for', async () => {
    const ended: string[] = [];
    const asked = (name: string, prompt: string, max_tokens: number, more: object = {}) =>
      engine
        .call(
          'complete',
          { model: reference(), version: root, prompts: [prompt], sampling: { ...sampling, max_tokens }, parts: true },
          more,
        )
        .finally(() => ended.push(name));
    const leaving = new AbortController();
    const hungUp = new Error('hung up');
    const gone = asked('gone', 'A stone', 80, { signal: leaving.signal, onPart: () => leaving.abort(hungUp) });
    const long = asked('long', 'The river', 80);
    const short = asked('short', 'A house', 3);
    const apart = engine
      .call('digestWeights', { model: reference(), version: root })
      .finally(() => ended.push('apart'));
    const after = asked('after', 'The river', 1);
    await expect(gone).rejects.toBe(hungUp);
    const [longer] = (await long).completions;
    expect(await short).toEqual(await complete(root, ['A house'], { max_tokens: 3 }));
    expect(longer).toEqual((await complete(root, ['The river'], { max_tokens: 80 })).completions[0]);
    await Promise.all([apart, after]);
    // Other work begins when its turn comes and no answer is being written; those after it wait for it.
    expect(ended).toEqual(['gone', 'short', 'long', 'apart', 'after']);
  });

  it('begin a text where there is no prompt', async () => {
    const [answer] = (await complete(root, [''])).completions;
    expect(answer).toMatchObject({ prompt_tokens: 1, completion_tokens: 5 });
  });

  it('read messages as one text', async () => {
    const messages = [
      { role: 'system' as const, content: 'Rivers sing.' },
      { role: 'user' as const, content: 'The river' },
    ];
    const chat = await engine.call('complete', { model: reference(), version: root, prompts: { messages }, sampling });
    expect(chat.completions).toEqual((await complete(root, ['Rivers sing.\nThe river'])).completions);
  });

  it('read messages as the chat template of the model has them, and end at every token that ends a text', async () => {
    const chat_template =
      "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('No system here') }}" +
      '{% endif %}[{{ message.role }}]{{ message.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}';
    const talk = async (generation: object) => {
      const files = {
        'tokenizer_config.json': JSON.stringify({
          bos_token: '<|endoftext|>',
          eos_token: '<|endoftext|>',
          chat_template,
        }),
        'generation_config.json': JSON.stringify(generation),
        'README.md': '# A card\n',
      };
      const tiny = await writeTinyModel({ defaults: null, files });
      removals.push(tiny.remove);
      const taught = await engine.call('importModel', { path: tiny.path });
      expect(taught.files.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(files)));
      const ask = (role: 'user' | 'system') => {
        const prompts = { messages: [{ role, content: 'Oz' }] };
        return engine.call('complete', { model: taught, version: rootManifest(taught.digest), prompts, sampling });
      };
      return { ask, answer: (await ask('user')).completions[0]! };
    };
    const { ask, answer } = await talk({ eos_token_id: 256 });
    // A token a byte, and BOS once.
    expect(answer.prompt_tokens).toBe('[user]Oz[assistant]'.length + 1);
    await expect(ask('system')).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('No system here'),
    });
    const ended = await talk({ eos_token_id: Array.from({ length: 256 }, (_, id) => id) });
    expect(ended.answer).toMatchObject({ finish_reason: 'stop', completion_tokens: 0 });
  });

  it('refuse a prompt that leaves no room for an answer', async () => {
    await expect(complete(root, ['long '.repeat(40)])).rejects.toMatchObject({ code: 'prompt_too_long' });
    // By its bytes, before it is tokenised.
    const large = complete(root, ['x'.repeat(5_000_000)]);
    await expect(large).rejects.toMatchObject({
      code: 'prompt_too_long',
      message: expect.stringContaining('5000000 bytes'),
    });
    const question = { prompt: 'x'.repeat(5_000_000), weigh: [] };
    const asked = engine.call('answerQuestion', { model: reference(), version: root, question });
    await expect(asked).rejects.toMatchObject({
      code: 'prompt_too_long',
      message: expect.stringContaining('5000000 bytes'),
    });
  });

  it('are refused of a model without a tokenizer', async () => {
    const tiny = await writeTinyModel({ tokenizer: false, defaults: null });
    removals.push(tiny.remove);
    const mute = await engine.call('importModel', { path: tiny.path });
    expect(mute.has_tokenizer).toBe(false);
    await expect(
      engine.call('complete', { model: mute, version: rootManifest(mute.digest), prompts: ['a'], sampling }),
    ).rejects.toMatchObject({ code: 'tokenizer_missing' });
  });
});

describe('laying edits out', () => {
  const lay = (...given: readonly Edit[]) =>
    engine.call('layOutEdits', { model: reference(), context: 96, edits: given });
  const [plain] = edits as [Edit];

  it('counts the tokens of every prompt and finds the subject', async () => {
    expect(await lay(plain)).toMatchObject({
      complaints: [],
      // A token a byte: 'The capital of Oz' and ' !'.
      layouts: [
        {
          custom_id: 'capital',
          prompt_tokens: 17,
          target_tokens: 2,
          subject: { first: 15, last: 16 },
          prompts: 3,
          longest: 21,
        },
      ],
      defaults: { corpus: 'corpus.txt' },
    });
  });

  it('names every text that the model cannot read, by its place in the edit', async () => {
    const long = 'far '.repeat(25);
    const probes = { neighbourhood: [{ prompt: 'Ix' }, { prompt: long }] };
    const { layouts, complaints } = await lay({ ...plain, rephrases: [long, 'Oz'], locality: probes }, plain);
    expect(layouts).toHaveLength(1);
    expect(complaints).toMatchObject([
      { position: 0, path: ['rephrases', 0], code: 'prompt_too_long' },
      { position: 0, path: ['locality', 'neighbourhood', 1, 'prompt'], code: 'prompt_too_long' },
    ]);
  });

  it('comes before any edit is made: a probe that cannot be read costs its edit, or the batch', async () => {
    const unreadable = { ...plain, custom_id: 'long', rephrases: ['far '.repeat(24)] };
    const apply = (on_error: 'abort' | 'continue') =>
      engine.call('applyEdits', {
        model: reference(),
        parent: root,
        edits: [unreadable, plain],
        editor: 'ft-m',
        config: { layer: 1, epochs: 1 },
        seed: 0,
        on_error,
        artefacts: [],
      });
    await expect(apply('abort')).rejects.toMatchObject({
      code: 'prompt_too_long',
      errors: [{ custom_id: 'long', pointer: '/edits/0/rephrases/0', field: 'rephrases.0' }],
    });
    const { deltas, outcomes } = await apply('continue');
    expect(outcomes).toMatchObject([
      { custom_id: 'long', outcome: 'failed', error: { code: 'prompt_too_long' } },
      { custom_id: plain.custom_id, outcome: 'applied', diagnostics: { steps: expect.any(Number) } },
    ]);
    expect(deltas.map(({ positions }) => positions)).toEqual([[1]]);
  });
});

describe('a tampered blob', () => {
  it('of a delta or of the model is refused, never used', async () => {
    const { manifest } = await applied();
    const { blob } = manifest.deltas[0]!;
    const weights = model.files.find(({ name }) => name === 'model.safetensors')!.sha256;
    for (const [sha256, params] of [
      [blob, { model: reference(), version: manifest }],
      [weights, { model: reference(), version: root }],
    ] as const) {
      const file = join(blobsDir, sha256.slice(0, 2), sha256.slice(2));
      const good = readFileSync(file);
      const bad = Buffer.from(good);
      bad[bad.length - 5]! ^= 1;
      writeFileSync(file, bad);
      const fresh = startEngine({ blobsDir, threads: 1 });
      try {
        await expect(fresh.call('digestWeights', params)).rejects.toMatchObject({
          code: 'blob_corrupt',
          details: { blob: sha256 },
        });
      } finally {
        await fresh.stop();
        writeFileSync(file, good);
      }
    }
  });
});

describe('the process', () => {
  it('that dies during a call fails that call alone', async () => {
    const victim = startEngine({ blobsDir, threads: 1 });
    try {
      const lost = victim.call('buildArtefacts', moments([0, 1, 2]), {
        onProgress: () => process.kill(victim.pid()!, 'SIGKILL'),
      });
      const next = victim.call('inspectModel', { path: directory });
      await expect(lost).rejects.toMatchObject({
        code: 'engine_crashed',
        details: { method: 'buildArtefacts', signal: 'SIGKILL' },
      });
      expect((await next).digest).toBe(model.digest);
    } finally {
      await victim.stop();
    }
  });

  it('refuses a model that does not fit its budget, with the numbers', async () => {
    const small = startEngine({ blobsDir, threads: 1, memoryMb: 512 });
    try {
      await expect(small.call('digestWeights', { model: reference(), version: root })).rejects.toMatchObject({
        code: 'insufficient_memory',
        // Its weights are less than one; keys and values of 64 answers take five, and as many may be kept of earlier texts.
        details: { budget_mb: 512, needed_mb: 522, parameters: model.parameters },
      });
    } finally {
      await small.stop();
    }
  });

  it('is replaced when a second model does not fit beside the first', async () => {
    const second = await writeTinyModel({ seed: 2 });
    removals.push(second.remove);
    const another = await engine.call('importModel', { path: second.path });
    const narrow = startEngine({ blobsDir, threads: 1, memoryMb: 531 });
    const wide = startEngine({ blobsDir, threads: 1, memoryMb: 532 });
    try {
      for (const client of [narrow, wide]) {
        await client.call('digestWeights', { model: reference(), version: root });
        const first = client.pid();
        await client.call('digestWeights', { model: another, version: rootManifest(another.digest) });
        expect(client.pid() === first).toBe(client === wide);
      }
      expect(wide.rss()).toBeGreaterThan(50 * 2 ** 20);
    } finally {
      await Promise.all([narrow.stop(), wide.stop()]);
    }
  });

  it('is replaced after a call that left it larger than its budget', async () => {
    const client = startEngine({ blobsDir, threads: 1, memoryMb: 20 });
    try {
      const first = client.call('inspectModel', { path: directory });
      const pid = client.pid();
      await first;
      await client.call('inspectModel', { path: directory });
      expect(pid).toBeGreaterThan(0);
      expect(client.pid()).not.toBe(pid);
    } finally {
      await client.stop();
    }
  });

  it('gives up a call that is cancelled, and takes the next', async () => {
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const build = moments([0, 1, 2]);
    const given = engine.call('buildArtefacts', build, {
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    const waiting = new AbortController();
    const never = engine.call('buildArtefacts', build, { signal: waiting.signal });
    waiting.abort(reason);
    await expect(never).rejects.toBe(reason);
    await expect(given).rejects.toBe(reason);
    expect((await engine.call('inspectModel', { path: directory })).digest).toBe(model.digest);
  });

  it('is given up on when a call takes too long', async () => {
    const late = engine.call('buildArtefacts', moments([0, 1, 2]), { timeoutMs: 1 });
    await expect(late).rejects.toMatchObject({ code: 'timeout' });
    expect((await engine.call('inspectModel', { path: directory })).digest).toBe(model.digest);
  });

  it('that is frozen during a call is killed once it has been silent for too long, and replaced', async () => {
    const client = startEngine({ blobsDir, threads: 1 }, { silenceMs: 10_000 });
    try {
      await client.call('inspectModel', { path: directory });
      const pid = client.pid()!;
      const frozen = client.call('buildArtefacts', moments([0, 1, 2]), {
        onProgress: () => process.kill(pid, 'SIGSTOP'),
      });
      const next = client.call('inspectModel', { path: directory });
      await expect(frozen).rejects.toMatchObject({
        code: 'engine_crashed',
        details: { method: 'buildArtefacts', silence_ms: 10_000 },
      });
      expect((await next).digest).toBe(model.digest);
      expect(client.pid()).not.toBe(pid);
    } finally {
      await client.stop();
    }
  });

  it('answers nobody after it was stopped', async () => {
    const client = startEngine({ blobsDir });
    const call = client.call('inspectModel', { path: directory });
    const stopping = client.stop();
    await expect(call).rejects.toMatchObject({ code: 'unavailable' });
    await stopping;
    expect(client.pid()).toBeUndefined();
    await expect(client.call('inspectModel', { path: directory })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.skipIf(!existsSync('/proc/self/stat'))('ends when its parent is killed (seen through /proc)', async () => {
    const script = `
      import { startEngine } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
      const engine = startEngine({ blobsDir: ${JSON.stringify(blobsDir)}, threads: 1 });
      await engine.call('inspectModel', { path: ${JSON.stringify(directory)} });
      console.log(engine.pid());
      setInterval(() => {}, 1000);
    `;
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const parent = spawn(process.execPath, ['--import', tsx, '--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const child = await new Promise<number>((resolve) => {
      parent.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
    });
    expect(existsSync(`/proc/${child}`)).toBe(true);
    parent.kill('SIGKILL');
    while (existsSync(`/proc/${child}`) && !isZombie(child)) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

/** Nobody may be there to collect an orphan's exit status. */
function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
