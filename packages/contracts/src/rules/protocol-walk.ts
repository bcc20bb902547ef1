// The walker of protocols: takes their units in order, leaves out what is done, and hands each what it goes on from.
import type { Protocol } from '../wire/protocols.ts';
import { casesInBlock } from './case-ranges.ts';
import { isStream, type ProtocolUnit } from './protocol-plan.ts';

/** A unit with the cases that it measures. */
export interface OpenUnit<Case> {
  readonly unit: ProtocolUnit;
  readonly cases: readonly Case[];
}

/** What carries units out. `State` is a version of the model as whoever carries them out knows it. */
export interface ProtocolSteps<Case, State> {
  /** Those of some units whose findings are not kept yet. */
  readonly open: (units: readonly ProtocolUnit[]) => readonly OpenUnit<Case>[] | Promise<readonly OpenUnit<Case>[]>;
  /** The version that the first unit that is open goes on from: in a stream, with all edits that come before it. */
  readonly from: (unit: ProtocolUnit) => State | Promise<State>;
  /**
   * Makes edits upon a version, tests them, and keeps what was found. Of several units each is made upon that version alone.
   * @param block all units that are worked together, those that are done among them
   * @returns the version with the edits of the unit: what a stream goes on from
   */
  readonly make: (units: readonly OpenUnit<Case>[], from: State, block: readonly ProtocolUnit[]) => Promise<State>;
  /** Asks a version about cases, and keeps what was found. */
  readonly ask: (unit: OpenUnit<Case>, version: State) => Promise<void>;
  /** Told of every unit whose findings are kept already. */
  readonly skipped?: (unit: ProtocolUnit) => unknown;
}

/**
 * Carries out the units of a protocol, or goes on with them: whoever comes after one that died takes the steps that are still open.
 * @param block cases that units which do not know of each other are worked together for
 */
export async function walkProtocol<Case, State>(
  protocol: Protocol | null,
  units: readonly ProtocolUnit[],
  steps: ProtocolSteps<Case, State>,
  block = casesInBlock,
): Promise<void> {
  const stream = isStream(protocol);
  let version: { readonly is: State } | undefined;
  for (const some of stream || protocol === null ? units.map((unit) => [unit]) : inBlocks(units, block)) {
    const open = await steps.open(some);
    for (const unit of some) if (open.every((each) => each.unit !== unit)) steps.skipped?.(unit);
    const [first] = open;
    if (first === undefined) continue;
    version ??= { is: await steps.from(first.unit) };
    if (first.unit.kind === 'ask') await steps.ask(first, version.is);
    else {
      const made = await steps.make(open, version.is, some);
      if (stream) version = { is: made };
    }
  }
}

/** Units together until they hold enough cases to be worth a write. */
function* inBlocks(units: readonly ProtocolUnit[], size: number): Generator<readonly ProtocolUnit[]> {
  let block: ProtocolUnit[] = [];
  for (const unit of units) {
    block.push(unit);
    if (unit.to - block[0]!.from < size) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}
