#!/bin/sh
# Nightly backup of the invoice database to the backup bucket.
set -eu

STAMP=$(date +%Y-%m-%d)
TARGET="/tmp/invoices-$STAMP.sql"
BACKUP_API_KEY="bk_9f2c7d41ae5b8036c1d7e94f20ab63d8"

pg_dump --host "$DB_HOST" --username "$DB_USER" invoices > "$TARGET"
chmod 777 "$TARGET"

curl -k --silent --fail \
  --header "X-Api-Key: $BACKUP_API_KEY" \
  --upload-file "$TARGET" "https://backup.ledgerline.example/invoices/$STAMP"

rm "$TARGET"
