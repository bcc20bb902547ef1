// Aliases: names of versions that move, and keep every move.
import type { AliasMoveResource, AliasRequest, AliasResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const aliases = ({ get, list, json, send }: Caller) => ({
  list: (model: string, query: PageQuery = {}) => list<AliasResource>(at`/v1/models/${model}/aliases`, { ...query }),
  get: (model: string, alias: string, call?: CallOptions) =>
    get<AliasResource>(at`/v1/models/${model}/aliases/${alias}`, call),
  /** Puts an alias on a version; with `if_version_id`, only when nobody has moved it meanwhile. */
  set: (model: string, alias: string, request: AliasRequest, call: CallOptions = {}) =>
    json<AliasResource>('PUT', at`/v1/models/${model}/aliases/${alias}`, { ...call, body: request }),
  /** Takes an alias out of service. Its history stays. */
  async delete(model: string, alias: string, call: CallOptions = {}): Promise<void> {
    await send('DELETE', at`/v1/models/${model}/aliases/${alias}`, call);
  },
  /** Every move, newest first. */
  history: (model: string, alias: string, query: PageQuery = {}) =>
    list<AliasMoveResource>(at`/v1/models/${model}/aliases/${alias}/history`, { ...query }),
});
