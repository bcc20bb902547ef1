// The batch that runs: continuations of all versions of a model, joined and left between two steps, prompts read in between.

import { float32Data, type HostTensors, int32Data } from '@errata/graph';
import type { DecoderSpec } from '../architectures/spec.ts';
import type { BatchedVersion } from './batched-version.ts';
import type { Runner } from './forward.ts';
import type { KeyValueCache } from './kv-cache.ts';
import { type Lane, makeLanes } from './lanes.ts';
import { type Company, makeCompanies } from './own-matrices.ts';
import type { PrefixCache } from './prefixes.ts';
import { placedIn, type ReadPrompt } from './prompts.ts';
import { type Piece, type Reading, readPieces } from './reading.ts';
import type { Generated, Writing } from './writing.ts';

/** A continuation that is asked for. */
export interface AskedContinuation {
  readonly version: BatchedVersion;
  readonly prompt: ReadPrompt;
  readonly writing: Writing;
  /** New tokens at most. */
  readonly maxTokens: number;
  /** Of one call; calls get rows in turn. */
  readonly call: object;
  /** Whether what was read before may be gone on from, and what is read now kept. */
  readonly reuse: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface RunningBatch {
  /** Rejects with the signal's reason between two steps, or with what a run failed with. */
  readonly add: (asked: AskedContinuation) => Promise<Generated>;
}

/** How much runs at once. */
export interface BatchLimits {
  /** Continuations, and each its prompt's beginning in the cache. */
  readonly rows: number;
  /** Bytes of keys and values that all continuations may come to have. One alone may have more. */
  readonly bytes: number;
  /** Positions of prompts that are read between two steps: others wait no longer for their next token. */
  readonly read: number;
}

export const usualLimits: BatchLimits = { rows: 64, bytes: 2 ** 30, read: 512 };

/** Bytes of keys and values of one position. */
const positionBytes = ({ layers, kvHeads, headDim }: DecoderSpec): number => layers * kvHeads * headDim * 2 * 4;

/** Bytes of keys and values that continuations of a model may come to have at once. One alone may have more. */
export const batchBytes = (
  spec: DecoderSpec,
  { rows, bytes }: Pick<BatchLimits, 'rows' | 'bytes'> = usualLimits,
): number => Math.min(bytes, rows * spec.context * positionBytes(spec));

/** Bytes of keys and values of earlier texts that are kept for prompts that begin alike, where nobody says: no more than all answers may have. */
export const usualPrefixBytes = (written: number): number => Math.min(2 ** 26, written);

interface Member extends AskedContinuation {
  readonly resolve: (found: Generated) => void;
  readonly reject: (error: unknown) => void;
}

/** A prompt that is being read, for all who asked the same of the same version. */
interface SharedReading extends Reading {
  readonly version: BatchedVersion;
  members: Member[];
}

/** What the versions of a model share in a batch. */
export interface BatchParts {
  readonly spec: DecoderSpec;
  readonly base: (name: string) => Float32Array;
  /** The base's pass with what acts for a company of versions. */
  readonly forwardWith: (company: Company | undefined) => Runner;
  readonly prefixes: PrefixCache;
  readonly limits: BatchLimits;
}

export function makeRunningBatch({ spec, base, forwardWith, prefixes, limits }: BatchParts): RunningBatch {
  const companyOf = makeCompanies(spec, base);
  const positionsAtMost = limits.bytes / positionBytes(spec);
  let waiting: Member[] = [];
  let begun: SharedReading[] = [];
  const lanes = makeLanes<Member>(spec);
  let driven = false;

  const inside = () => [...begun, ...lanes.all()].flatMap(({ members }) => members);

  /** Runs versions in company: whose sequences lie in the rows of a run, in order. */
  const together = (versions: readonly BatchedVersion[]) => {
    const [first] = versions;
    if (first!.own === undefined) return (feeds: HostTensors) => first!.forward.run(feeds, []);
    const distinct = [...new Set(versions)];
    const company = companyOf(distinct.map(({ own }) => own!));
    const runner = forwardWith(company);
    const of = versions.map((version) => distinct.indexOf(version));
    return (feeds: HostTensors, time = 1) => runner.run({ ...feeds, ...company?.feeds(of, time) }, []);
  };

  /** Gives a token to who writes; what its listeners throw ends it alone. */
  const take = ({ writing, reject }: Member, best: number, logits: Float32Array | undefined): 'goes on' | 'ended' => {
    try {
      writing.take(best, logits);
    } catch (error) {
      reject(error);
      return 'ended';
    }
    return writing.finished() ? 'ended' : 'goes on';
  };

  const dropCancelled = () => {
    const isWanted = ({ signal, reject }: Member) => {
      if (signal?.aborted) reject(signal.reason);
      return !signal?.aborted;
    };
    waiting = waiting.filter(isWanted);
    for (const reading of begun) reading.members = reading.members.filter(isWanted);
    begun = begun.filter(({ members }) => members.length > 0);
    for (const lane of lanes.all())
      for (let row = lane.members.length - 1; row >= 0; row--)
        if (!isWanted(lane.members[row]!)) lanes.leave(lane, row);
  };

  const mayReuse = ({ reuse, version, prompt }: Member) =>
    reuse && !version.actsOnPrompts && prompt.embedded.length === 0;

  /** Begins to read for a member, and for those who wait for the same. */
  const begin = (first: Member, hasRoom: (member: Member) => boolean): SharedReading => {
    const { version, prompt } = first;
    const isSame = (other: Member) =>
      other.version === version && other.reuse === first.reuse && samePrompt(other.prompt, prompt);
    const members: Member[] = [];
    waiting = waiting.filter((member) => {
      if (!isSame(member) || !hasRoom(member)) return true;
      members.push(member);
      return false;
    });
    const known = mayReuse(first) ? prefixes.longest(version, prompt.ids) : undefined;
    // The last token is always read: what comes behind it is asked.
    const read = Math.min(known?.length ?? 0, prompt.ids.length - 1);
    return { version, prompt, members, keysValues: known?.text.keysValues ?? {}, read };
  };

  const isWhole = ({ version, prompt }: Pick<Member, 'version' | 'prompt'>) =>
    version.actsOnPrompts || prompt.embedded.length > 0;

  const pieceOf = (reading: SharedReading) => {
    const end = reading.prompt.ids.length;
    return { reading, to: isWhole(reading) ? end : Math.min(end, reading.read + limits.read) };
  };

  /** What is read next, all of it in one run. */
  const nextPieces = (): readonly (Piece & { readonly reading: SharedReading })[] => {
    const now = inside();
    const reserved = ({ prompt, maxTokens }: Member) => Math.min(spec.context, prompt.ids.length + maxTokens);
    let rows = now.length;
    let positions = now.reduce((sum, member) => sum + reserved(member), 0);
    const ofCall = new Map<object, number>();
    for (const { call } of now) ofCall.set(call, (ofCall.get(call) ?? 0) + 1);
    const hasRoom = (member: Member) => {
      if (rows > 0 && (rows >= limits.rows || positions + reserved(member) > positionsAtMost)) return false;
      rows += 1;
      positions += reserved(member);
      ofCall.set(member.call, (ofCall.get(member.call) ?? 0) + 1);
      return true;
    };
    const pieces: (Piece & { readonly reading: SharedReading })[] = [];
    const fits = (reading: SharedReading): boolean => {
      const [first] = pieces;
      if (first === undefined) return true;
      const alone = isWhole(reading) || isWhole(first.reading) || !reading.version.own || !first.reading.version.own;
      if (alone && reading.version !== first.reading.version) return false;
      const longest = Math.max(...[...pieces, pieceOf(reading)].map(({ reading: { read }, to }) => to - read));
      return longest * (pieces.length + 1) <= limits.read;
    };
    const addPiece = (reading: SharedReading) => pieces.push(pieceOf(reading));
    // What was begun goes on, in turn with what is new.
    for (const reading of begun) if (fits(reading)) addPiece(reading);
    while (waiting.length > 0) {
      const next = waiting.reduce((a, b) => ((ofCall.get(b.call) ?? 0) < (ofCall.get(a.call) ?? 0) ? b : a));
      const reading = begin(next, hasRoom);
      if (reading.members.length === 0) break;
      begun.push(reading);
      if (!fits(reading)) break;
      addPiece(reading);
    }
    return pieces;
  };

  const readOn = async () => {
    const pieces = nextPieces();
    if (pieces.length === 0) return;
    const readings = pieces.map(({ reading }) => reading);
    try {
      const wantsLogits = pieces.flatMap(({ reading, to }, row) =>
        to === reading.prompt.ids.length && reading.members.some(({ writing }) => writing.needsLogits) ? [row] : [],
      );
      const [{ version }] = readings as [SharedReading];
      const run = readings.some(isWhole)
        ? (feeds: HostTensors, time: number) =>
            version.forward.run(
              feeds,
              readings.map(({ prompt }, row) => placedIn({ time }, row, prompt)),
            )
        : together(readings.map((reading) => reading.version));
      const out = await readPieces(spec, run, pieces, wantsLogits);
      const best = int32Data(out.best!);
      const logits = float32Data(out.logits!);
      for (const [row, reading] of readings.entries()) {
        if (reading.read < reading.prompt.ids.length) continue;
        const at = wantsLogits.indexOf(row);
        endReading(reading, best[row]!, at < 0 ? undefined : logits.subarray(at * spec.vocab, (at + 1) * spec.vocab));
      }
      // Those that go on do so behind what has not been read for longer.
      begun = [
        ...begun.filter((reading) => !readings.includes(reading)),
        ...readings.filter(({ read, prompt }) => read < prompt.ids.length),
      ];
    } catch (error) {
      begun = begun.filter((reading) => !readings.includes(reading));
      for (const { members } of readings) for (const { reject } of members) reject(error);
    }
  };

  /** Whoever asked for a prompt that is read gets its first token, and a row of a lane. */
  const endReading = (
    { version, prompt, members, keysValues, read }: SharedReading,
    best: number,
    logits?: Float32Array,
  ) => {
    if (members.some(mayReuse)) prefixes.put(version, { ids: prompt.ids, keysValues });
    for (const member of members) {
      const own = member.writing.needsLogits ? logits?.slice() : undefined;
      if (take(member, best, own) === 'ended') member.resolve(member.writing.result());
      else {
        lanes.enter(member, keysValues, read);
      }
    }
  };

  const step = async (lane: Lane<Member>) => {
    try {
      const { members, cache } = lane;
      const wantsLogits = members.flatMap(({ writing: { needsLogits, changes } }, row) =>
        needsLogits && changes === undefined ? [row] : [],
      );
      const changes = members.flatMap(({ writing }, row) =>
        [...(writing.changes ?? [])].flatMap(([token, by]) =>
          token >= 0 && token < spec.vocab ? [{ row, token, by }] : [],
        ),
      );
      lane.run ??= together(members.map(({ version }) => version));
      const out = await cache.step(
        lane.run,
        members.map(({ writing }) => writing.tokens.at(-1)!),
        wantsLogits,
        changes,
      );
      const best = int32Data(out.best!);
      const logits = float32Data(out.logits!);
      // From the last to the first, since who leaves is replaced by the last.
      for (let row = members.length - 1; row >= 0; row--) {
        const member = members[row]!;
        const at = wantsLogits.indexOf(row);
        const own = at < 0 ? undefined : logits.subarray(at * spec.vocab, (at + 1) * spec.vocab);
        if (take(member, best[row]!, own) === 'goes on') continue;
        keep(member, cache, row);
        member.resolve(member.writing.result());
        lanes.leave(lane, row);
      }
    } catch (error) {
      for (const { reject } of lane.members) reject(error);
      lane.members.length = 0;
    }
  };

  const keep = (member: Member, cache: KeyValueCache, row: number) => {
    if (!mayReuse(member)) return;
    const ids = [...member.prompt.ids, ...member.writing.tokens].slice(0, cache.length(row));
    prefixes.put(member.version, { ids, keysValues: cache.read(row) });
  };

  const drive = async () => {
    driven = true;
    while (waiting.length + begun.length + lanes.all().length > 0) {
      // A run blocks its thread: whoever wants to join or leave is heard here.
      await new Promise<void>((resolve) => setImmediate(resolve));
      dropCancelled();
      await readOn();
      for (const lane of lanes.all()) {
        dropCancelled();
        if (lane.members.length > 0) await step(lane);
      }
      lanes.forgetEmpty();
    }
    driven = false;
  };

  return {
    add: (asked) => {
      if (asked.writing.finished()) return Promise.resolve(asked.writing.result());
      return new Promise<Generated>((resolve, reject) => {
        waiting.push({ ...asked, resolve, reject });
        if (!driven) void drive();
      });
    },
  };
}

const samePrompt = (one: ReadPrompt, other: ReadPrompt): boolean =>
  one === other ||
  (one.embedded.length + other.embedded.length === 0 &&
    one.ids.length === other.ids.length &&
    one.ids.every((id, at) => id === other.ids[at]));
