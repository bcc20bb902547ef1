// The face of @errata/atlas: the world the shipped model knows, its training and its edit sets.
export { drawEdits, type WorldEdit } from './edits/edit-set.ts';
export { atlasDirectory } from './model-files.ts';
export { buildWorld, type Composition, type Entity, type Fact, type Relation, type World } from './world/world.ts';
