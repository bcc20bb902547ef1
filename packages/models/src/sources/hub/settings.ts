// What the environment says of the hub: the variables that huggingface_hub reads too.

import { getHFHubCachePath, HUB_URL } from '@huggingface/hub';

/** How the hub is reached. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Whether only what is in the cache may be used. */
  readonly offline: boolean;
  /** The cache that huggingface_hub has too: what was downloaded there is not downloaded again. */
  readonly cache: string;
}

export const hubSettings = (environment: NodeJS.ProcessEnv = process.env): HubSettings => ({
  endpoint: (environment.HF_ENDPOINT || HUB_URL).replace(/\/+$/, ''),
  token: environment.HF_TOKEN?.trim() || undefined,
  offline: /^(1|on|yes|true)$/i.test(environment.HF_HUB_OFFLINE ?? ''),
  cache: environment.HF_HUB_CACHE || getHFHubCachePath(),
});
