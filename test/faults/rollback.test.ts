// Undo, exactly: what is served after a rollback equals what was served before the edit, bit for bit.
import type { RollbackMode } from '@errata/contracts';
import { type EngineClient, startEngine } from '@errata/engine';
import {
  branchLog,
  checkBranch,
  getModel,
  laneOfJob,
  listEdits,
  readManifest,
  sourceOfVersion,
  submitRollback,
} from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { closedGate, edit, openGate, startFaultStack } from '../support/fault-stack.ts';

const stack = await startFaultStack();
const { lineage, modelId } = stack;
const engine: EngineClient = startEngine({ blobsDir: stack.blobsDir, threads: 1 });
stack.spare.signal('SIGCONT');
afterAll(async () => {
  await engine.stop();
  await stack.close();
});

/** What the version answers with: the digest of its weights and the bytes of its logits after some text. */
async function served(version: string) {
  const { resource, files } = await getModel(lineage, modelId);
  const model = {
    digest: resource.digest,
    files: files.map(({ path: name, blob: sha256, bytes: size }) => ({ name, sha256, size })),
  };
  const manifest = await sourceOfVersion(lineage, version, modelId);
  const { digest } = await engine.call('digestWeights', { model, version: manifest });
  const { logits } = await engine.call('logits', { model, version: manifest, prompt: 'The capital of Sylvania is' });
  return { digest, logits: Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength).toString('hex') };
}

async function edited(branch: string, ...names: readonly string[]) {
  const versions: string[] = [];
  const edits: string[] = [];
  for (const name of names) {
    const id = await stack.submit([edit(name)], { branch });
    const job = await stack.finished(id);
    expect(job).toMatchObject({ state: 'succeeded', error: null });
    versions.push(job.version_id!);
    edits.push(...(await listEdits(lineage, id)).data.map((record) => record.id));
  }
  return { versions, edits };
}

async function rolledBack(
  branch: string,
  mode: RollbackMode,
  target: { to_version?: string; revert_edit_ids?: readonly string[] },
) {
  const job = await submitRollback(lineage, {
    model: modelId,
    branch,
    mode,
    ...target,
    reason: 'a test',
    created_by: null,
  });
  await stack.dispatch.wake(await laneOfJob(lineage, job.id));
  return stack.finished(job.id);
}

test('reset serves the very version again', async () => {
  const { id, head } = await stack.branch('reset');
  const before = await served(head);
  const { versions } = await edited('reset', 'Sylvania', 'Latveria');
  const after = await served(versions.at(-1)!);
  expect(after.digest).not.toBe(before.digest);
  expect(after.logits).not.toBe(before.logits);
  const job = await rolledBack('reset', 'reset', { to_version: head });
  expect(job).toMatchObject({ state: 'succeeded', version_id: head });
  expect(await served((await stack.branch('reset')).head)).toEqual(before);
  const [move] = (await branchLog(lineage, id)).data;
  expect(move).toMatchObject({ kind: 'reset', from_version: versions.at(-1), to_version: head, reason: 'a test' });
  expect(await checkBranch(lineage, id)).toEqual({ moves: 4 });
});

test('taking the last edit back exactly is the version before it', async () => {
  const { head } = await stack.branch('last');
  const before = await served(head);
  const { edits } = await edited('last', 'Sylvania');
  const job = await rolledBack('last', 'exact', { revert_edit_ids: edits });
  expect(job).toMatchObject({ state: 'succeeded', version_id: head });
  expect(await served((await stack.branch('last')).head)).toEqual(before);
});

test('taking an early edit back exactly is what would be had it never been asked for', async () => {
  await stack.branch('early');
  const { edits } = await edited('early', 'Sylvania', 'Latveria', 'Ruritania');
  const { versions } = await (async () => {
    await stack.branch('never');
    return edited('never', 'Latveria', 'Ruritania');
  })();
  const job = await rolledBack('early', 'exact', { revert_edit_ids: [edits[0]!] });
  expect(job).toMatchObject({ state: 'succeeded', version_id: versions.at(-1) });
  expect(await served((await stack.branch('early')).head)).toEqual(await served(versions.at(-1)!));
});

test('subtracting drops deltas, is measured, and says that it is an approximation', async () => {
  const { id } = await stack.branch('subtract');
  const { edits, versions } = await edited('subtract', 'Sylvania', 'Latveria');
  await lineage.prisma.branch.update({ where: { id }, data: { gate: openGate } });
  const job = await rolledBack('subtract', 'subtract', { revert_edit_ids: [edits[0]!] });
  expect(job).toMatchObject({ state: 'succeeded', gate: { passed: true }, summary: { edits: 1 } });
  const [kept] = (await readManifest(lineage, versions[1]!, modelId)).deltas.slice(-1);
  expect((await readManifest(lineage, job.version_id!, modelId)).deltas).toEqual([kept]);
});

test('an edit out of the middle of a batch of memories is taken back either way, and the others are served as without it', async () => {
  const memory = { editor: 'grace', config: { layer: 1, epsilon: 0.01, steps: 15, learning_rate: 1 } };
  const remembered = async (branch: string, ...names: readonly string[]) => {
    const { id } = await stack.branch(branch);
    await lineage.prisma.branch.update({ where: { id }, data: { gate: openGate } });
    const job = await stack.submit(names.map(edit), { branch, ...memory });
    const { version_id } = await stack.finished(job);
    const edits = (await listEdits(lineage, job)).data.map((record) => record.id);
    return { edits, version: version_id!, deltas: (await readManifest(lineage, version_id!, modelId)).deltas };
  };
  const whole = await remembered('memory', 'Sylvania', 'Latveria', 'Ruritania');
  expect(whole.deltas.map(({ kind }) => kind)).toEqual(Array(3).fill('codebook_rows'));
  const without = await remembered('memory-without', 'Sylvania', 'Ruritania');
  expect(without.deltas[0]).toEqual(whole.deltas[0]);

  const subtracted = await rolledBack('memory', 'subtract', { revert_edit_ids: [whole.edits[1]!] });
  expect(subtracted).toMatchObject({ state: 'succeeded', summary: { edits: 2 } });
  const { deltas } = await readManifest(lineage, subtracted.version_id!, modelId);
  expect(deltas).toEqual([whole.deltas[0], whole.deltas[2]]);
  const back = await rolledBack('memory', 'reset', { to_version: whole.version });
  expect(back.version_id).toBe(whole.version);
  const exact = await rolledBack('memory', 'exact', { revert_edit_ids: [whole.edits[1]!] });
  expect(exact).toMatchObject({ state: 'succeeded', version_id: without.version });
  expect(await served(exact.version_id!)).toEqual(await served(without.version));
});

test('a subtraction that the gate refuses leaves the branch where it was', async () => {
  const { id } = await stack.branch('refused');
  const { edits, versions } = await edited('refused', 'Sylvania', 'Latveria');
  const gate = { rules: [{ metric: 'reliability' as const, min: 2 }] };
  await lineage.prisma.branch.update({ where: { id }, data: { gate } });
  const job = await rolledBack('refused', 'subtract', { revert_edit_ids: [edits[0]!] });
  expect(job).toMatchObject({ state: 'gated_out', error: { code: 'gate_refused' }, version_id: null });
  expect((await stack.branch('refused')).head).toBe(versions[1]);
});

test('a part of the last batch leaves a state that nobody has seen: it is measured, and the gate decides', async () => {
  const { id } = await stack.branch('part');
  const config = { layer: 0, steps: 2, prefixes: [[2, 3]] };
  const batch = await stack.submit([edit('Sylvania'), edit('Latveria')], { branch: 'part', editor: 'r-rome', config });
  const { version_id: head } = await stack.finished(batch);
  const edits = (await listEdits(lineage, batch)).data.map((record) => record.id);
  await lineage.prisma.branch.update({ where: { id }, data: { gate: closedGate } });
  const refused = await rolledBack('part', 'subtract', { revert_edit_ids: [edits[1]!] });
  expect(refused).toMatchObject({ state: 'gated_out', version_id: null, gate: { passed: false } });
  expect((await stack.branch('part')).head).toBe(head);

  await lineage.prisma.branch.update({ where: { id }, data: { gate: openGate } });
  const halved = await rolledBack('part', 'subtract', { revert_edit_ids: [edits[1]!] });
  expect(halved).toMatchObject({ state: 'succeeded', gate: { passed: true }, summary: { edits: 1 } });
  expect(halved.result).toMatchObject({ approximate: true, measured: { edits: 1, of: 1 } });

  // What is left of the batch: the branch was there. Without it: the branch began there.
  const { edits: later } = await edited('part', 'Ruritania');
  await lineage.prisma.branch.update({ where: { id }, data: { gate: closedGate } });
  for (const [revert, to] of [
    [later, halved.version_id],
    [[edits[0]!], (await stack.branch('untouched')).head],
  ] as const) {
    const job = await rolledBack('part', 'exact', { revert_edit_ids: revert });
    expect(job).toMatchObject({ state: 'succeeded', version_id: to, gate: null });
  }
});

test('taking back the last edit exactly, upon a state that a subtraction made and nobody has seen, passes the gate too', async () => {
  const { id } = await stack.branch('unseen');
  const { edits } = await edited('unseen', 'Sylvania', 'Latveria', 'Ruritania');
  await lineage.prisma.branch.update({ where: { id }, data: { gate: openGate } });
  expect(await rolledBack('unseen', 'subtract', { revert_edit_ids: [edits[0]!] })).toMatchObject({
    state: 'succeeded',
  });
  await lineage.prisma.branch.update({ where: { id }, data: { gate: closedGate } });
  const last = { revert_edit_ids: [edits[2]!] };
  expect(await rolledBack('unseen', 'exact', last)).toMatchObject({ state: 'gated_out', gate: { passed: false } });
  await lineage.prisma.branch.update({ where: { id }, data: { gate: openGate } });
  const job = await rolledBack('unseen', 'exact', last);
  expect(job).toMatchObject({ state: 'succeeded', gate: { passed: true }, summary: { edits: 1 } });
  expect(job.result).toMatchObject({ replayed: [], measured: { edits: 1, of: 1 } });
  expect(job.result).not.toHaveProperty('approximate');
});
