// The dashboard in a browser on the whole stack, from a first visit over a correction to its being taken back, on a desktop and a phone.
// One stack for all, on which the flows go side by side, each on branches of its own: it takes longer to start than most of what is done with it.
import { afterAll, beforeAll, describe, test } from 'vitest';
import { findBrowser } from '../../../test/support/browser.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { devices } from './devices.fixture.ts';
import { everyPage } from './every-page.fixture.ts';
import { approving } from './flows/approving.fixture.ts';
import { comparing } from './flows/comparing.fixture.ts';
import { correcting } from './flows/correcting.fixture.ts';
import { dividing } from './flows/dividing.fixture.ts';
import { judging } from './flows/judging.fixture.ts';
import { keeping } from './flows/keeping.fixture.ts';
import { naming } from './flows/naming.fixture.ts';
import { running, telling } from './flows/running.fixture.ts';
import { scheduling } from './flows/scheduling.fixture.ts';
import { byLink, signingIn } from './flows/signing-in.fixture.ts';
import { tracingBack } from './flows/tracing-back.fixture.ts';
import { upkeep } from './flows/upkeep.fixture.ts';
import { watching } from './flows/watching.fixture.ts';
import { longHistory } from './long-history.fixture.ts';
import { scale } from './scale.fixture.ts';
import { type Flow, play, type Seat, takeSeat } from './scene.fixture.ts';
import { serviceAway } from './service-away.fixture.ts';
import { openStack, type Stack } from './stack.fixture.ts';

/** Milliseconds: on a machine that others use too, a flow may take minutes. */
const slowly = 300_000;

const flows: readonly Flow[] = [
  signingIn,
  comparing,
  correcting,
  approving,
  keeping,
  judging,
  tracingBack,
  naming,
  scheduling,
  running,
  telling,
  dividing,
  upkeep,
  byLink,
  // It ends engines, which take a while to begin again.
  watching,
];

describe.skipIf(findBrowser() === undefined)('in a browser', () => {
  let database: TestDatabase;
  let stack: Stack;
  let seats: readonly Seat[];
  beforeAll(async () => {
    database = await createTestDatabase();
    stack = await openStack({ DATABASE_URL: database.url, QUEUE_URL: database.url });
    seats = await Promise.all(devices.map((device) => takeSeat(stack, device)));
  });
  afterAll(async () => {
    await stack?.close();
    await database?.drop();
  });

  /** On every device at once. */
  const everywhere = (run: Flow['run']) => {
    for (const [index, { name }] of devices.entries())
      test.concurrent(`on a ${name}`, ({ expect }) => play(run, stack, seats[index]!, expect), slowly);
  };

  for (const { name, run } of [...flows, everyPage]) describe(name, () => everywhere(run));

  test(
    'a page says when the service is away, and goes on when it is back, on a desktop and a phone',
    async ({ expect }) => {
      const [one, other] = seats;
      await play((here) => play((there) => serviceAway([here, there]), stack, other!, expect), stack, one!, expect);
    },
    slowly,
  );

  describe('long lists stay short in the page', () => {
    beforeAll(async () => {
      const { id, model_id, head } = await stack.client.branches.get('atlas', 'main');
      await database.query(longHistory(id, model_id, head));
    });
    everywhere(scale);
  });
});
