// Who is signed in: asked once, known to every page, forgotten when the service says so.
import type { Scope, SessionRequest, SessionResource } from '@errata/contracts';
import { queryOptions, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { errata, keepCsrfToken } from './client.ts';

/** The token of a link that signs in once, out of the address, where it does not stay. */
function takeLink(): string | undefined {
  const link = /^#sign-in=([\w-]+)$/.exec(location.hash)?.[1];
  if (link !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return link;
}

let link = takeLink();

async function findSession(): Promise<SessionResource> {
  const [given, session] = [link, await errata.session.get()];
  link = undefined;
  // A link that was used up brings back whoever it signed in.
  const found = given === undefined || session.key !== null ? session : await errata.session.open({ link: given });
  keepCsrfToken(found.csrf_token);
  return found;
}

export const sessionQuery = queryOptions({ queryKey: ['session'], queryFn: findSession, staleTime: Infinity });

export function useSession() {
  const queries = useQueryClient();
  const { data: session } = useSuspenseQuery(sessionQuery);
  const keep = (found: SessionResource) => {
    keepCsrfToken(found.csrf_token);
    queries.setQueryData(sessionQuery.queryKey, found);
  };
  return {
    key: session.key,
    /** Where people sign in with an account of their organisation; null where they do not. */
    loginUrl: session.login_url,
    /** Whether the key may do this: `admin` stands for every scope. */
    may: (scope: Scope) => session.key?.scopes.some((held) => held === scope || held === 'admin') === true,
    signIn: async (request: SessionRequest) => keep(await errata.session.open(request)),
    async signOut() {
      await errata.session.close();
      keep(await errata.session.get());
      // What one key was shown is not for the next.
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
    },
  };
}
