// A provider of identities (OpenID Connect): its tokens are checked by its keys, and people sign in at it by authorization code with PKCE.
import { ErrataError, type Role } from '@errata/contracts';
import type { Person } from '@errata/lineage';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import * as client from 'openid-client';

/** Who has this value in the claim has the role; `*` for whoever has a valid token. */
export interface RoleRule {
  readonly value: string;
  readonly role: Role;
  /** By name; null for the whole service. */
  readonly project: string | null;
}

export interface ProviderSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** None for a public client: PKCE protects the code. */
  readonly clientSecret?: string | undefined;
  /** What tokens may be for: the client, and what access tokens name. */
  readonly audiences: readonly string[];
  /** The claim that roles are read off: a text, or a list of them. */
  readonly claim: string;
  readonly roles: readonly RoleRule[];
  /** Where browsers find this service. */
  readonly publicUrl: string;
}

/** What a browser keeps while its person is at the provider. */
export interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface Provider {
  /** Whether browsers come by TLS, so that cookies are for that alone. */
  readonly overTls: boolean;
  /** @throws ErrataError `unauthorized` saying what is wrong with the token, `missing_scope` where it gives no role, `unavailable` */
  identify(token: string): Promise<Person>;
  /** Where to send a browser to sign in. @throws ErrataError `unavailable` */
  begin(): Promise<{ readonly url: string; readonly pending: Pending }>;
  /** Who has come back. @param address with which they did @throws as {@link identify} */
  finish(address: string, pending: Pending): Promise<Person>;
}

export const callbackPath = '/v1/session/oidc/callback';
const timeoutSeconds = 5;
const toleranceSeconds = 30;
/** By a key that only the provider has. */
const algorithms = [...['RS', 'PS', 'ES'].flatMap((kind) => ['256', '384', '512'].map((bits) => kind + bits)), 'EdDSA'];

export function openProvider(settings: ProviderSettings): Provider {
  const { issuer, clientId, clientSecret, audiences, publicUrl } = settings;
  const redirect = new URL(callbackPath, publicUrl).href;

  // What was found is kept; while the provider is away, every request looks again.
  let found: ReturnType<typeof discover> | undefined;
  async function discover() {
    const configuration = await client.discovery(
      new URL(issuer),
      clientId,
      undefined,
      clientSecret === undefined ? client.None() : client.ClientSecretPost(clientSecret),
      { timeout: timeoutSeconds, execute: issuer.startsWith('http:') ? [client.allowInsecureRequests] : [] },
    );
    const { jwks_uri } = configuration.serverMetadata();
    if (jwks_uri === undefined) throw new Error('it publishes no keys');
    return { configuration, keys: createRemoteJWKSet(new URL(jwks_uri), { timeoutDuration: timeoutSeconds * 1000 }) };
  }
  async function known() {
    found ??= discover();
    try {
      return await found;
    } catch (cause) {
      found = undefined;
      throw away(cause);
    }
  }
  const away = (cause: unknown) =>
    new ErrataError('unavailable', `the identity provider ${issuer} does not answer as one`, { cause });

  function personOf(claims: JWTPayload): Person {
    const given = claims[settings.claim];
    const values = [given].flat();
    const memberships = settings.roles.filter(({ value }) => value === '*' || values.includes(value));
    if (memberships.length === 0)
      throw new ErrataError(
        'missing_scope',
        `nothing in the claim ${JSON.stringify(settings.claim)} of this account gives it a role here`,
      );
    const named = [claims.name, claims.email, claims.preferred_username, claims.sub];
    const name = String(named.find((each) => typeof each === 'string' && each !== '')).slice(0, 200);
    return {
      issuer,
      subject: claims.sub!,
      name,
      memberships: memberships.map(({ project, role }) => ({ project, role })),
    };
  }

  return {
    overTls: publicUrl.startsWith('https:'),
    async identify(token) {
      const { keys } = await known();
      const rules = { issuer, audience: [...audiences], algorithms, clockTolerance: toleranceSeconds };
      const { payload } = await jwtVerify(token, keys, { ...rules, requiredClaims: ['sub', 'exp'] }).catch((error) => {
        throw refusal(error) ?? away(error);
      });
      return personOf(payload);
    },
    async begin() {
      const { configuration } = await known();
      const pending = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      };
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirect,
        scope: 'openid profile email',
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, pending };
    },
    async finish(address, { state, nonce, verifier }) {
      const { configuration } = await known();
      try {
        const tokens = await client.authorizationCodeGrant(configuration, new URL(address, publicUrl), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        return personOf(tokens.claims()!);
      } catch (error) {
        if (error instanceof ErrataError) throw error;
        if (error instanceof client.AuthorizationResponseError)
          throw new ErrataError('unauthorized', `the identity provider refused: ${error.error}`, { cause: error });
        throw new ErrataError('unauthorized', 'this sign-in was not begun here, or is over: begin again', {
          cause: error,
        });
      }
    },
  };
}

/** Why a token is none, in a sentence; null where that is not the token's fault. */
function refusal(error: unknown): ErrataError | null {
  const refuse = (why: string) => new ErrataError('unauthorized', `this token ${why}`, { cause: error });
  if (error instanceof errors.JWTExpired)
    return refuse(`has expired, at ${new Date(error.payload.exp! * 1000).toISOString()}`);
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { aud, iss } = error.payload;
    if (error.claim === 'aud') return refuse(`is for ${JSON.stringify(aud)}, and not for this service`);
    if (error.claim === 'iss')
      return refuse(`is from ${JSON.stringify(iss)}, which is not the provider of this service`);
    return refuse(`has no ${error.claim} that counts: ${error.reason}`);
  }
  if (error instanceof errors.JWKSNoMatchingKey) return refuse('is signed by a key that the provider does not publish');
  if (error instanceof errors.JWSSignatureVerificationFailed) return refuse('has a signature that is not its own');
  if (error instanceof errors.JWKSTimeout) return null;
  if (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSEAlgNotAllowed
  )
    return refuse('is neither an API key nor a token of the provider');
  return null;
}
