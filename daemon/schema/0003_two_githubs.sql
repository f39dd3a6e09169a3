-- Two GitHubs may give the same number. `id` stays what the ledger knows a repository by; `number` is its number at
-- the GitHub of `address`, which is read from its last conditional request.
ALTER TABLE repositories ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repositories ADD COLUMN address TEXT NOT NULL DEFAULT '';
UPDATE repositories SET number = id, address = coalesce((
    SELECT substr(url, 1, instr(url, '/repos/' || name || '/') - 1) FROM etags
    WHERE instr(url, '/repos/' || name || '/') > 1 LIMIT 1
), '');
