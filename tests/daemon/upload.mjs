// Uploads as a workflow's step does, with GitHub's own client: node upload.mjs CONNECTION NAME=FILE…
// A folder becomes a zip; a single file given as NAME:raw=FILE stays what it is.
import { readdirSync, statSync } from "node:fs";
import { join, dirname } from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const modules = createRequire(join(process.env.FIXSMITH_TEST_NODE, "package.json"));
const load = async (name, file) => import(pathToFileURL(join(process.env.FIXSMITH_TEST_NODE, "node_modules", name, file)));
const { DefaultArtifactClient } = await load("@actions/artifact", "lib/artifact.js");
const { BlobServiceClient } = modules("@azure/storage-blob");

const [connection, ...uploads] = process.argv.slice(2);
await BlobServiceClient.fromConnectionString(connection).getContainerClient("artifacts").createIfNotExists();
const files = (path) =>
  statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => files(join(path, name))) : [path];
for (const upload of uploads) {
  const [named, path] = upload.split("=");
  const [name, kind] = named.split(":");
  const root = statSync(path).isDirectory() ? path : dirname(path);
  await new DefaultArtifactClient().uploadArtifact(name, files(path), root, { skipArchive: kind === "raw" });
}
