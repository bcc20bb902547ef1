// A real provider of identities on loopback, whose keys the test has, and a browser of few words that signs in at it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

export const clientId = 'errata';
export const audience = 'https://errata.example/api';

/** @param groups of each account */
export async function startProvider(redirectUri: string, groups: Readonly<Record<string, readonly string[]>>) {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'known', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['secret'] },
    claims: { openid: ['sub', 'groups'], profile: ['name'], email: ['email'] },
    conformIdTokenClaims: false,
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, name: `Dr ${accountId}`, groups: groups[accountId] ?? [] }),
    }),
  });
  server.on('request', provider.callback());

  return {
    issuer,
    /** A token as the provider signs them, but for what is given. */
    token: (
      claims: JWTPayload,
      { key = privateKey, kid = 'known', expires = '5m' }: { key?: CryptoKey; kid?: string; expires?: string } = {},
    ) =>
      new SignJWT({ iss: issuer, aud: audience, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid })
        .setIssuedAt()
        .setExpirationTime(expires)
        .sign(key),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Follows a person through the pages of the provider; answers with the address that these send the browser back to. */
export async function signInAt(address: string, account: string, home: string): Promise<string> {
  const cookies = new Map<string, string>();
  let [url, form] = [address, undefined as Record<string, string> | undefined];
  for (let step = 0; step < 12; step += 1) {
    if (url.startsWith(home)) return url;
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const each of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
      cookies.set(name, value);
    }
    const page = await response.text();
    const next = response.headers.get('location') ?? /action="([^"]+)"/.exec(page)?.[1];
    if (next === undefined) throw new Error(`${url} leads nowhere: ${response.status} ${page.slice(0, 300)}`);
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    form = prompt === undefined ? undefined : { prompt, login: account, password: 'x' };
    url = new URL(next, url).href;
  }
  throw new Error('the provider sends the browser round in a circle');
}
