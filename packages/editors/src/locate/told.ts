// What is told of a causal tracing, for whoever draws it: sites, kinds of token, and its summary. Needs no model and no Node.
import { z } from 'zod';

/** The sites whose states are put back: the stream after a block, and what its MLP and its attention add to it. */
export const tracedSites = ['block_out', 'mlp_out', 'attn_out'] as const;
export type TracedSite = (typeof tracedSites)[number];

/** Kinds of token of a prompt, in order (Meng et al. 2022, figure 2). */
export const tokenKinds = [
  'first subject token',
  'middle subject tokens',
  'last subject token',
  'first token after',
  'further tokens',
  'last token',
] as const;
export type TokenKind = (typeof tokenKinds)[number];

const shape = <Name extends string, Of extends z.ZodType>(names: readonly Name[], of: Of) =>
  z.object(Object.fromEntries(names.map((name) => [name, of])) as Record<Name, Of>);

export const tracingSummarySchema = z.object({
  facts: z.int(),
  /** Of which the model says something else. */
  unknown: z.int(),
  /** Without a subject, or that cannot be laid out. */
  unusable: z.int(),
  /** Mean probability of the answers: of prompts as they are, and corrupted. */
  clean: z.number(),
  corrupted: z.number(),
  /** As the settings of a tracing have them. */
  window: z.int(),
  runs: z.int(),
  noise: z.number(),
  seed: z.int(),
  /** By how much the answer's probability comes back: by site and kind of token, one number a layer; null for kinds that no prompt has. */
  effects: shape(tracedSites, shape(tokenKinds, z.array(z.number()).nullable())),
  /** The layer that this speaks for, the mean effect there, and how sure that is, from 0 to 1. */
  recommended: z.object({ layer: z.int(), effect: z.number(), sureness: z.number() }),
});
export type TracingSummary = z.output<typeof tracingSummarySchema>;
