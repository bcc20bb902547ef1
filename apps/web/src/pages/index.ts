// Every page, in the order of the navigation: a page is a folder here and a line.
import { askRoute } from './ask/index.ts';
import { compareRoute } from './compare/index.ts';
import { correctRoute } from './correct/index.ts';
import { editsRoute } from './edits/index.ts';
import { gateRoute } from './gate/index.ts';
import { healthRoute } from './health/index.ts';
import { historyRoute } from './history/index.ts';
import { homeRoute } from './home/index.ts';
import { jobRoute, jobsRoute } from './jobs/index.ts';
import { judgeRoute } from './judge/index.ts';
import { keysRoute } from './keys/index.ts';
import { namesRoute } from './names/index.ts';
import { projectRoute, projectsRoute } from './projects/index.ts';
import { queueRoute } from './queue/index.ts';
import { schedulesRoute } from './schedules/index.ts';
import { storageRoute } from './storage/index.ts';
import { upkeepRoute } from './upkeep/index.ts';
import { versionRoute } from './version/index.ts';
import { webhooksRoute } from './webhooks/index.ts';
import { whyRoute } from './why/index.ts';

export const pages = [
  homeRoute,
  askRoute,
  correctRoute,
  judgeRoute,
  gateRoute,
  jobsRoute,
  jobRoute,
  queueRoute,
  schedulesRoute,
  historyRoute,
  versionRoute,
  editsRoute,
  whyRoute,
  compareRoute,
  namesRoute,
  upkeepRoute,
  storageRoute,
  healthRoute,
  projectsRoute,
  projectRoute,
  keysRoute,
  webhooksRoute,
] as const;
