// Heat maps of a causal tracing: by how much the answer's probability comes back, by layer and kind of token, a map for each site.
import { type TracedSite, type TracingSummary, tokenKinds, tracedSites } from '@errata/editors/catalogue';
import type { HeatMap } from './heat-map.ts';

const titles: Readonly<Record<TracedSite, string>> = {
  block_out: 'The residual stream',
  mlp_out: 'What MLPs add',
  attn_out: 'What attention adds',
};

export interface DrawnTracing {
  readonly maps: readonly HeatMap[];
  /** What full strength stands for, in all maps. */
  readonly greatest: number;
}

export function tracingMaps({ effects, window, recommended }: TracingSummary): DrawnTracing {
  const all = tracedSites.flatMap((site) => tokenKinds.flatMap((kind) => effects[site][kind] ?? []));
  const greatest = Math.max(0, ...all);
  const together = 2 * window + 1;
  const maps = tracedSites.map((site) => {
    const around = site === 'block_out' ? '' : `, ${together} ${together === 1 ? 'layer' : 'layers'} at a time`;
    const rows = tokenKinds.flatMap((name) => {
      const values = effects[site][name];
      return values === null ? [] : [{ name, values }];
    });
    const marked = site === 'mlp_out' ? { marked: recommended.layer } : {};
    return { title: `${titles[site]}${around}`, rows, columnLabel: 'layer', greatest, ...marked };
  });
  return { maps, greatest };
}
