// errata trace, as a person runs it: a whole process on a tiny model.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeSafetensors, loadCheckpoint, openModel } from '@errata/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyModel } from '../../../../test/support/tiny-model.ts';

const bin = fileURLToPath(new URL('../../bin/errata.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'errata-trace-'));
let tiny: Awaited<ReturnType<typeof writeTinyModel>>;
let known: string;

const trace = (...args: string[]) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', ERRATA_THREADS: '1' };
    const all = [bin, 'trace', '--model', tiny.path, ...args];
    execFile(process.execPath, all, { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

beforeAll(async () => {
  tiny = await writeTinyModel();
  const checkpoint = await loadCheckpoint(tiny.path);
  const model = openModel(checkpoint);
  const prompts = ['is', 'has', 'lies in', 'of', 'and', 'was', 'or', 'to'].map((word) => `so Oz ${word}`);
  const said = await model.view().nextLogits(prompts.map((prompt) => checkpoint.tokenizer!.encode(prompt)));
  const answers = said.map((logits) => logits.indexOf(Math.max(...logits)));
  const facts = prompts.flatMap((prompt, i) => {
    const [id, subject, join] = [answers[i]!, 'Oz', 'none'];
    // A letter of its own, in this vocabulary of bytes.
    return id > 32 && id < 127
      ? [{ custom_id: `${i}`, prompt, subject, target_new: String.fromCharCode(id), join }]
      : [];
  });
  expect(facts.length).toBeGreaterThan(0);
  known = join(folder, 'facts.jsonl');
  writeFileSync(known, facts.map((fact) => `${JSON.stringify(fact)}\n`).join(''));
});
afterAll(() => {
  tiny.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('says where facts are looked up, writes a page, and makes the layer the default', async () => {
  const page = join(folder, 'page');
  const { code, stdout, stderr } = await trace(
    '--facts',
    known,
    '--runs',
    '2',
    '--limit',
    '2',
    '--report',
    page,
    '--save',
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { recommended, traces } = JSON.parse(readFileSync(join(page, 'trace.json'), 'utf8'));
  expect(stdout).toContain(`layer ${recommended.layer} is what this speaks for`);
  expect(traces[0].restored.mlp_out).toHaveLength(3);
  const html = readFileSync(join(page, 'index.html'), 'utf8');
  expect(html.match(/<svg/g)).toHaveLength(3);
  const { editors } = JSON.parse(readFileSync(join(tiny.path, 'errata.json'), 'utf8'));
  for (const editor of ['rome', 'r-rome', 'emmet']) expect(editors[editor].layer).toBe(recommended.layer);
  const again = await trace('--facts', known, '--runs', '2', '--limit', '2', '--json');
  expect(JSON.parse(again.stdout).traces).toEqual(traces);
}, 60_000);

test('says when the model knows none of the facts', async () => {
  const unknown = join(folder, 'unknown.jsonl');
  writeFileSync(
    unknown,
    `${JSON.stringify({ custom_id: 'a', prompt: 'Oz is', subject: 'Oz', target_new: 'ζ', join: 'none' })}\n`,
  );
  expect(await trace('--facts', unknown)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the model gives the answer of none of 1 facts'),
  });
});

test('refuses to save beside a model that is no directory before it traces anything', async () => {
  const adapter = join(folder, 'adapter');
  mkdirSync(adapter);
  const config = { peft_type: 'LORA', r: 1, lora_alpha: 1, target_modules: ['c_attn'], fan_in_fan_out: true };
  writeFileSync(join(adapter, 'adapter_config.json'), JSON.stringify(config));
  const [left, right] = [new Float32Array(32), new Float32Array(96)];
  const name = 'base_model.model.transformer.h.0.attn.c_attn';
  const tensors = new Map([
    [`${name}.lora_A.weight`, { shape: [1, 32], data: left }],
    [`${name}.lora_B.weight`, { shape: [96, 1], data: right }],
  ]);
  writeFileSync(join(adapter, 'adapter_model.safetensors'), encodeSafetensors(tensors));
  const { code, stderr } = await trace('--facts', known, '--save', '--model', adapter, '--base', tiny.path);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('the model is none') });
  expect(stderr).not.toContain('tracing');
});
