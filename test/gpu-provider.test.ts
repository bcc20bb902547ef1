// A worker whose engine computes by WebGPU, here on a Vulkan driver in software: it makes of an edit what the CPU makes of it, and what
// it leaves to the CPU is known.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Placement, placementOf } from '@errata/graph';
import { afterAll, expect, test } from 'vitest';
import { edit, startFaultStack } from './support/fault-stack.ts';

/** SwiftShader, which Debian's chromium brings along, and the loader of Vulkan drivers. */
const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
const loaders = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/libvulkan.so.1`);
const missing = [driver, loaders.find(existsSync) ?? 'libvulkan.so.1'].filter((path) => !existsSync(path));

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** Numbers by their path in some JSON, times left out. */
function numbersIn(value: unknown, path = ''): readonly (readonly [string, number])[] {
  if (typeof value === 'number') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === 'seconds' ? [] : numbersIn(inner, `${path}/${key}`)));
}

async function placementsIn(folder: string): Promise<readonly Placement[]> {
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  return texts.filter((text) => text !== '').map(placementOf);
}

test.skipIf(missing.length > 0)(
  `a job of a worker on WebGPU${missing.length > 0 ? ` (skipped: no ${missing.join(', no ')})` : ''}`,
  { timeout: 600_000 },
  async () => {
    const stack = await startFaultStack();
    closers.push(() => stack.close());
    const profiles = await mkdtemp(join(tmpdir(), 'errata-profiles-'));
    closers.push(() => rm(profiles, { recursive: true, force: true }));
    const on = async (branch: string, stop_loss: number) => {
      await stack.branch(branch);
      const config = { layer: 0, steps: 3, prefixes: [[1, 3]], stop_loss };
      return stack.submit([edit('Sylvania')], { branch, editor: 'r-rome', config });
    };
    const byCpu = await stack.rescue(await on('cpu', 1e-4));
    expect(byCpu).toMatchObject({ state: 'succeeded', error: null });

    const worker = stack.startWorker({
      WORKER_NAME: 'gpu',
      ERRATA_PROVIDER: 'webgpu',
      ERRATA_PROFILES: profiles,
      VK_DRIVER_FILES: driver,
      XDG_RUNTIME_DIR: tmpdir(),
    });
    // What was asked before on an equal version would be taken from there: the loss at which a search stops early is another, which is not met.
    const byGpu = await stack.finished(await on('gpu', 1e-5));
    expect(byGpu).toMatchObject({ state: 'succeeded', error: null });
    worker.signal('SIGTERM');
    expect(await worker.exited).toBe(0);

    const [expected, found] = [numbersIn(byCpu.summary), numbersIn(byGpu.summary)];
    expect(found.map(([path]) => path)).toEqual(expected.map(([path]) => path));
    expect(expected.length).toBeGreaterThan(5);
    for (const [at, [path, number]] of expected.entries())
      expect(Math.abs(found[at]![1] - number), path).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(number)));

    const placements = await placementsIn(profiles);
    // Sizes are reckoned on the CPU, and what an arg-max gives is made int32 there; all else is computed on the device.
    const onCpu = new Set(
      placements.flatMap(({ operators }) => [...operators].flatMap(([name, { CPU = 0 }]) => (CPU > 0 ? [name] : []))),
    );
    expect([...onCpu].sort()).toEqual(['Add', 'Cast', 'Concat', 'Mul']);
    const copies = placements.map(({ copies }) => copies);
    expect(Math.max(...copies)).toBe(1);
    // A step of a value search, which is what runs most, copies nothing.
    const steps = placements.filter(({ operators }) => operators.has('Softmax') && operators.has('ScatterElements'));
    expect(steps.map(({ copies }) => copies)).toEqual([0]);
  },
);
