// The places of a block that can be looked at: every kind of transformer calls them alike.

/** In the order of the forward pass; what each of them is, {@link sites} says. Only gated MLPs have `mlp_up`. */
export const blockSites = [
  'attn_in',
  'attn_out',
  'mlp_in',
  'mlp_pre',
  'mlp_up',
  'mlp_key',
  'mlp_out',
  'block_out',
] as const;

/** One of the {@link blockSites}. */
export type BlockSite = (typeof blockSites)[number];
