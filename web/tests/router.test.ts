import { describe, expect, it } from "vitest";

import { parseRoute, paths } from "../src/router";

const ID = `0x${"5e".repeat(32)}`;
const ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

describe("parseRoute", () => {
  it("reads what `paths` writes", () => {
    expect(parseRoute(paths.projects(), "")).toEqual({ page: "projects" });
    expect(parseRoute(paths.project(ID), "")).toEqual({ page: "project", id: ID });
    expect(parseRoute(paths.trainer(ADDRESS), "")).toEqual({ page: "trainer", address: ADDRESS });
    expect(parseRoute(paths.aggregators(), "")).toEqual({ page: "aggregators" });
    expect(parseRoute(paths.aggregator(ADDRESS), "")).toEqual({ page: "aggregator", address: ADDRESS });
    expect(parseRoute(paths.quote(), "")).toEqual({ page: "quote" });
    expect(parseRoute(paths.create(), "")).toEqual({ page: "create" });
    const [path = "", search = ""] = paths.round(ID, 7, 9).split("?");
    expect(parseRoute(path, search)).toEqual({ page: "round", id: ID, round: 7, attempt: 9 });
    expect(parseRoute(paths.round(ID, 0), "")).toEqual({ page: "round", id: ID, round: 0, attempt: null });
  });

  it("takes ids in either case and without a difference for a final slash", () => {
    expect(parseRoute(`/projects/0x${"5E".repeat(32)}/`, "")).toEqual({ page: "project", id: ID });
  });

  it.each([
    "/projects",
    "/projects/0x12",
    `/projects/${ID}/rounds`,
    `/projects/${ID}/rounds/-1`,
    `/projects/${ID}/rounds/1/2`,
    `/trainers/${ID}`,
    "/nothing",
  ])("knows no page at %s", (path) => {
    expect(parseRoute(path, "")).toEqual({ page: "missing" });
  });

  it("passes over an attempt that is no number", () => {
    expect(parseRoute(`/projects/${ID}/rounds/1`, "?attempt=0")).toMatchObject({ attempt: null });
    expect(parseRoute(`/projects/${ID}/rounds/1`, "?attempt=x")).toMatchObject({ attempt: null });
  });
});
