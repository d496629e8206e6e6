#!/bin/sh
# Stands in for Prisma's schema engine, which Prisma would download. `prisma generate`, `validate` and `format` only want
# the file to exist. Everything that really needs the engine must fail: with a stand-in that exits 0, `prisma migrate`
# would report success and do nothing.
echo 'This checkout has no Prisma schema engine. Migrations are applied by Xyn itself when it starts; do not use `prisma migrate` or `prisma db` here.' >&2
exit 97
