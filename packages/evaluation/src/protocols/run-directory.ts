// A run on disk: what is being run, the rows found so far, and the model's state, so that a killed run goes on where it was.
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type Cost,
  canonicalJson,
  ErrataError,
  type EvaluationCase,
  type EvaluationResults,
  type EvaluationRow,
  type Protocol,
  sha256,
} from '@errata/contracts';
import type { VersionState } from '@errata/models';
import { readState, writeState } from './saved-state.ts';

const format = 'errata-run/1';

/** Everything that determines what a run measures. Runs of equal manifests give equal rows. */
export interface RunManifest {
  readonly format: typeof format;
  /** Of the catalogue of metrics: a run is not gone on with under other definitions. */
  readonly metrics: string;
  /** Digest of the base model. */
  readonly model: string;
  /** Digest of the cases, in order, and how many edits they hold. */
  readonly data: {
    readonly digest: string;
    readonly cases: number;
    readonly edits: number;
    /** Records of the file that cannot be used. */
    readonly rejected: number;
  };
  /** `none` measures the model as it is. */
  readonly editor: string;
  /** The editor's complete settings. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly protocol: Protocol;
  /** Digest of the text whose perplexity is measured along the way. */
  readonly held_text: string | null;
  /** Cases at most that texts are written for. */
  readonly writers: number;
  /** General ability measured along the way. */
  readonly ability: readonly { readonly task: string; readonly digest: string; readonly items: number }[];
  /** Questions that no edit is about, asked along the way. */
  readonly questions: { readonly digest: string; readonly items: number } | null;
}

export const makeManifest = (fields: Omit<RunManifest, 'format'>): RunManifest => ({ format, ...fields });

/** sha256 of a manifest: the run's identity. */
export const runDigest = (manifest: RunManifest): string => sha256(canonicalJson(manifest));

/** The smallest piece of a run that is kept whole: a batch of edits and its test, or some cases of a checkpoint. */
export interface Unit {
  readonly name: string;
  /** Times differ from run to run; rows do not. */
  readonly cost: Cost;
}

/** One line of rows.jsonl. A unit's line comes after its cases and rows, and says that they are complete. */
export type RunLine = { readonly case: EvaluationCase } | { readonly row: EvaluationRow } | { readonly unit: Unit };

/** An open run. */
export interface Run {
  readonly manifest: RunManifest;
  readonly isDone: (unit: string) => boolean;
  /** Appends a unit's findings. They are all kept or, when the process is killed meanwhile, none. */
  readonly commit: (unit: Unit, findings: EvaluationResults) => Promise<void>;
  /** Keeps the model's state after a step, in place of the one kept before. */
  readonly saveState: (step: number, state: VersionState) => Promise<void>;
  readonly loadState: () => Promise<{ readonly step: number; readonly state: VersionState } | undefined>;
  readonly close: () => Promise<void>;
}

const manifestFile = 'run.json';
const rowsFile = 'rows.jsonl';
const statePrefix = 'state-';

/**
 * Opens a run's directory, which is made where it does not exist.
 * @param resume go on with a run that the directory holds
 * @throws ErrataError `output_exists` where it holds something and `resume` is false, `run_mismatch` where it holds another run
 */
export async function openRun(directory: string, manifest: RunManifest, resume: boolean): Promise<Run> {
  await mkdir(directory, { recursive: true });
  const found = await readManifest(directory);
  if (found === undefined) {
    if ((await readdir(directory)).length > 0) throw occupied(directory, 'is not empty and holds no run');
    await writeWhole(join(directory, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`);
  } else {
    if (!resume) throw occupied(directory, 'holds a run: go on with it (--resume) or choose another directory');
    requireSame(directory, found, manifest);
  }
  const rows = join(directory, rowsFile);
  const { done, bytes } = await readUnits(rows);
  const file = await open(rows, 'a');
  await file.truncate(bytes);
  return openedRun(directory, manifest, file, done);
}

function openedRun(directory: string, manifest: RunManifest, file: FileHandle, done: Set<string>): Run {
  const stateFolder = (step: number) => join(directory, `${statePrefix}${step}`);
  return {
    manifest,
    isDone: (unit) => done.has(unit),
    commit: async (unit, { cases, rows }) => {
      const lines: RunLine[] = [...cases.map((each) => ({ case: each })), ...rows.map((row) => ({ row })), { unit }];
      await file.appendFile(lines.map((line) => `${canonicalJson(line)}\n`).join(''));
      done.add(unit.name);
    },
    saveState: async (step, state) => {
      await file.datasync();
      const draft = `${stateFolder(step)}.draft`;
      await rm(draft, { recursive: true, force: true });
      await writeState(draft, state);
      await rm(stateFolder(step), { recursive: true, force: true });
      await rename(draft, stateFolder(step));
      for (const other of await savedStates(directory))
        if (other !== step) await rm(stateFolder(other), { recursive: true, force: true });
    },
    loadState: async () => {
      const step = (await savedStates(directory)).at(-1);
      return step === undefined ? undefined : { step, state: await readState(stateFolder(step)) };
    },
    close: async () => {
      await file.datasync();
      await file.close();
    },
  };
}

/** Steps whose states are kept, ascending. */
async function savedStates(directory: string): Promise<readonly number[]> {
  return (await readdir(directory))
    .filter((name) => name.startsWith(statePrefix) && /^\d+$/.test(name.slice(statePrefix.length)))
    .map((name) => Number(name.slice(statePrefix.length)))
    .sort((a, b) => a - b);
}

/** What a run's directory says it is of; undefined where it holds none. */
export async function readManifest(directory: string): Promise<RunManifest | undefined> {
  const path = join(directory, manifestFile);
  if (!existsSync(path)) return undefined;
  const manifest = JSON.parse(await readFile(path, 'utf8')) as RunManifest;
  if (manifest.format !== format)
    throw new ErrataError('run_mismatch', `${path} was written by another release (${manifest.format})`, {
      details: { path, format: manifest.format },
    });
  return manifest;
}

/** The lines of a run's complete units, in the order in which they were found. */
export async function* readLines(directory: string): AsyncGenerator<RunLine> {
  const path = join(directory, rowsFile);
  const { bytes } = await readUnits(path);
  if (bytes === 0) return;
  const input = createReadStream(path, { end: bytes - 1 });
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) yield JSON.parse(line) as RunLine;
}

/** Names of the complete units, and the length of the file up to the last of them: what follows was cut off by a kill. */
async function readUnits(path: string): Promise<{ done: Set<string>; bytes: number }> {
  const done = new Set<string>();
  let [bytes, at] = [0, 0];
  if (!existsSync(path)) return { done, bytes };
  let torn = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8' }) as AsyncIterable<string>) {
    const lines = (torn + chunk).split('\n');
    torn = lines.pop()!;
    for (const line of lines) {
      at += Buffer.byteLength(line) + 1;
      if (!line.startsWith('{"unit":')) continue;
      done.add((JSON.parse(line) as { unit: Unit }).unit.name);
      bytes = at;
    }
  }
  return { done, bytes };
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.draft`, text, { flush: true });
  await rename(`${path}.draft`, path);
}

const occupied = (directory: string, why: string): ErrataError =>
  new ErrataError('output_exists', `${directory} ${why}`, { details: { path: directory } });

function requireSame(directory: string, found: RunManifest, wanted: RunManifest): void {
  const differing = differences(found, wanted);
  if (differing.length === 0) return;
  throw new ErrataError(
    'run_mismatch',
    `the run in ${directory} is another: ${differing.map(({ field, was, is }) => `${field} was ${was}, is ${is}`).join('; ')}`,
    { details: { path: directory, differing } },
  );
}

interface Difference {
  readonly field: string;
  readonly was: string;
  readonly is: string;
}

/** The leaves in which two values differ, by dotted path. */
function differences(was: unknown, is: unknown, field = ''): readonly Difference[] {
  if (isRecord(was) && isRecord(is)) {
    const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
    return keys.flatMap((key) => differences(was[key], is[key], field === '' ? key : `${field}.${key}`));
  }
  const [before, now] = [was, is].map((value) => (value === undefined ? 'absent' : canonicalJson(value)));
  return before === now ? [] : [{ field, was: before!, is: now! }];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
