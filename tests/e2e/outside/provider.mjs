// A real OpenID provider with its own login page. argv: settings as JSON. Accounts are read anew at each login from
// settings.accounts, a file: {name: claims}; each start has new keys.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const settings = JSON.parse(process.argv[2]);
const { default: Provider } = await import(
  pathToFileURL(join(settings.modules, "node_modules/oidc-provider/lib/index.js")));

const key = (use, alg, ...kind) => ({
  ...generateKeyPairSync(...kind).privateKey.export({ format: "jwk" }), use, alg, kid: randomUUID(),
});

const provider = new Provider(settings.issuer, {
  clients: [{
    client_id: settings.client_id,
    client_secret: settings.client_secret,
    redirect_uris: [settings.redirect_uri],
    token_endpoint_auth_method: settings.auth_method,
  }],
  jwks: {
    keys: [
      key("sig", "ES256", "ec", { namedCurve: "P-256" }),
      key("sig", "RS256", "rsa", { modulusLength: 2048 }),
    ],
  },
  claims: {
    openid: ["sub"], profile: ["name", "preferred_username"], email: ["email", "email_verified"], groups: ["groups"],
  },
  conformIdTokenClaims: settings.conform,
  clientAuthMethods: [settings.auth_method],
  pkce: { methods: ["S256"], required: () => true },
  cookies: { keys: [randomUUID()] },
  async findAccount(ctx, id) {
    const claims = JSON.parse(readFileSync(settings.accounts, "utf8"))[id];
    return claims && { accountId: id, claims: async () => ({ sub: id, ...claims }) };
  },
});
provider.proxy = true; // TLS ends before it
provider.listen(settings.port, "127.0.0.1");
