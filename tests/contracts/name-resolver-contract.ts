/** The contract of every name resolver. */
import { randomUUID } from "node:crypto";
import { openComponent } from "../../runtime/components/open.ts";
import { nameResolvers } from "../../runtime/components/index.ts";
import { createLogger } from "../../runtime/shared/log.ts";
import type {
  NameResolver,
  Peer,
} from "../../runtime/contracts/name-resolver.ts";
import { waitFor } from "../wait-for.ts";

export interface ResolverHarness {
  component: string;
  configuration?: Record<string, string>;
  env?: Record<string, string>;
}

/** Opens a resolver. Returns it with the lines of its log. */
export async function openResolver(
  { component, configuration = {}, env = {} }: ResolverHarness,
  lines: string[] = [],
): Promise<NameResolver> {
  const log = createLogger({
    level: "info",
    json: false,
    appId: "test",
    version: "1",
    write: (line) => lines.push(line),
  });
  const { component: resolver } = await openComponent(
    {
      name: component,
      type: `nameresolution.${component}`,
      version: "v1",
      metadata: Object.entries(configuration).map(([name, value]) => ({
        name,
        value,
      })),
      ignoreErrors: false,
      initTimeoutMs: 5000,
      scopes: [],
    },
    nameResolvers,
    { appId: "test", env, log },
  );
  return resolver;
}

/** For resolvers with which a sidecar registers itself. */
export function resolverContract(name: string, harness: () => ResolverHarness) {
  describe(`name resolution by ${name}`, () => {
    const open: NameResolver[] = [];
    const resolver = async () => {
      const made = await openResolver(harness());
      open.push(made);
      return made;
    };
    afterEach(async () => {
      for (const made of open.splice(0)) await made.close();
    });
    const register = async (
      appId: string,
      peer: Peer,
      namespace = "default",
    ) => {
      const made = await resolver();
      await made.register!({ appId, namespace, ...peer });
      return made;
    };
    const anApp = () => `app-${randomUUID().slice(0, 8)}`;
    const found = (by: NameResolver, appId: string) =>
      waitFor(`${appId} to be found`, () => by.resolve(appId, "default"));

    test("a sidecar that registered itself is found", async () => {
      const appId = anApp();
      const peer = { host: "127.0.0.1", port: 47_301 };
      await register(appId, peer);
      expect(await found(await resolver(), appId)).toMatchObject(peer);
    });

    test("an app that does not run is not found", async () => {
      const asker = await resolver();
      expect(await asker.resolve(anApp(), "default")).toBeUndefined();
    });

    test("an app that starts later is found", async () => {
      const [asker, appId] = [await resolver(), anApp()];
      expect(await asker.resolve(appId, "default")).toBeUndefined();
      await register(appId, { host: "127.0.0.1", port: 47_302 });
      expect((await found(asker, appId)).port).toBe(47_302);
    });

    test("the same ID in another namespace is another app", async () => {
      const [asker, appId] = [await resolver(), anApp()];
      await register(appId, { host: "127.0.0.1", port: 47_310 });
      await found(asker, appId);
      expect(await asker.resolve(appId, "shop")).toBeUndefined();
      await register(appId, { host: "127.0.0.1", port: 47_311 }, "shop");
      const other = await waitFor(`${appId}.shop to be found`, () =>
        asker.resolve(appId, "shop"),
      );
      expect(other.port).toBe(47_311);
      for (let i = 0; i < 4; i++)
        expect((await asker.resolve(appId, "default"))!.port).toBe(47_310);
    });

    test("look-ups at the same time share one answer", async () => {
      const [asker, appId] = [await resolver(), anApp()];
      await register(appId, { host: "127.0.0.1", port: 47_303 });
      await found(asker, appId);
      const peers = await Promise.all(
        Array.from({ length: 50 }, () => asker.resolve(appId, "default")),
      );
      expect(new Set(peers.map((peer) => peer?.port))).toEqual(
        new Set([47_303]),
      );
    });

    test("all instances of an app get calls", async () => {
      const [asker, appId] = [await resolver(), anApp()];
      await register(appId, { host: "127.0.0.1", port: 47_304 });
      await register(appId, { host: "127.0.0.1", port: 47_305 });
      const ports = new Set<number>();
      await waitFor("both to be given", async () => {
        const peer = await asker.resolve(appId, "default");
        if (peer) ports.add(peer.port);
        return ports.size === 2;
      });
    });

    test("an app that has ended is not found any more", async () => {
      const [asker, appId] = [await resolver(), anApp()];
      const ending = await register(appId, { host: "127.0.0.1", port: 47_306 });
      await found(asker, appId);
      await ending.close();
      await waitFor("it to be gone", async () => {
        const peer = await asker.resolve(appId, "default");
        return peer === undefined;
      });
    });

    test("an instance that does not answer comes after one that does", async () => {
      const [asker, appId] = [await resolver(), anApp()];
      await register(appId, { host: "127.0.0.1", port: 47_307 });
      await register(appId, { host: "127.0.0.1", port: 47_308 });
      const ports = new Set<number>();
      await waitFor("both to be given", async () => {
        const peer = await asker.resolve(appId, "default");
        if (peer) ports.add(peer.port);
        return ports.size === 2;
      });
      const bad = await found(asker, appId);
      asker.forget!(appId, "default", bad);
      const next = await asker.resolve(appId, "default");
      expect(next!.port).not.toBe(bad.port);
    });

    test("close may be called twice", async () => {
      const made = await register(anApp(), { host: "127.0.0.1", port: 47_309 });
      await made.close();
    });
  });
}
