// Prisma's settings. Only `prisma generate` is ever run: migrations are applied by packages/lineage (see its migrate.ts).
import { defineConfig } from 'prisma/config';

process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({ schema: 'prisma/schema.prisma' });
