// Neurons that a version has already, as they act while others are trained beside them.
import { neuronsReading, type Tap, type View } from '@errata/models';

/** Those at a layer and behind it. */
export function neuronsThere({ memories }: View, layer: number) {
  const readings = [...memories.values()].flatMap((memory) =>
    memory.kind === 'neurons' && memory.layer >= layer ? [neuronsReading(memory)] : [],
  );
  const tap = (): Tap => {
    const taps = readings.map((reading) => reading.tap());
    return (site, at, x) => taps.reduce((y, one) => one(site, at, y), x);
  };
  return {
    graph: readings.map(({ graph }) => graph).join(' '),
    tap,
    feeds: Object.assign({}, ...readings.map(({ feeds }) => feeds)) as ReturnType<typeof neuronsReading>['feeds'],
  };
}
