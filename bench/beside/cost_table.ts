/**
 * What clients cost for the same job → a table in Markdown, with this project's share of each cost.
 *
 * @module
 */
import { formatMegabytes } from "../../lib/util/numbers.ts";
import type { ClientTraffic } from "./clients.ts";
import type { ProcessCost } from "./process_cost.ts";

/** What a client cost, and how much its result differs from this project's. */
export interface ClientCost extends ProcessCost, ClientTraffic {
  name: string;
  largestDifference: number;
}

/** A cost that a column shows, the less the better. */
const COSTS: readonly {
  column: string;
  find(cost: ClientCost): number;
  format(amount: number): string;
}[] = [
  {
    column: "requests",
    find: (cost) => cost.requests,
    format: (count) => count.toLocaleString("en"),
  },
  { column: "received", find: (cost) => cost.receivedBytes, format: formatMemory },
  { column: "time", find: (cost) => cost.wallSeconds, format: formatSeconds },
  { column: "processor", find: (cost) => cost.processorSeconds, format: formatSeconds },
  { column: "peak memory", find: (cost) => cost.peakBytes, format: formatMemory },
];

/** A share that is larger than this by its last digit is more than noise of rounding. */
const EQUAL_SHARE = 1.005;

/** The first two lines of a table in Markdown, for the rows of {@linkcode formatCosts}. */
export function formatHead(): string[] {
  const costs = COSTS.map(({ column }) => column);
  const head = ["job", "client", ...costs, "processor a message", "difference", "better in"];
  return [head, head.map(() => "---")].map(formatRow);
}

/**
 * Rows of a table in Markdown: this project first, then the others, each cost with the share of it that
 * this project takes, and the costs in which it is beaten by name.
 *
 * @param job in words.
 */
export function formatCosts(
  job: string,
  ours: ClientCost,
  others: readonly ClientCost[],
  messages: number,
): string[] {
  return [ours, ...others].map((cost) => {
    const isOurs = cost === ours;
    const perMessage = `${(cost.processorSeconds / messages * 1000).toFixed(1)} ms`;
    const difference = isOurs ? "" : cost.largestDifference.toExponential(0);
    const better = isOurs ? "" : listBetter(ours, cost).join(", ") || "nothing";
    const costs = formatShares(ours, cost);
    return formatRow([isOurs ? job : "", cost.name, ...costs, perMessage, difference, better]);
  });
}

function formatRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function formatShares(ours: ClientCost, cost: ClientCost): string[] {
  return COSTS.map(({ find, format }) => {
    const amount = format(find(cost));
    return cost === ours ? amount : `${amount} (${(find(ours) / find(cost)).toFixed(2)})`;
  });
}

/** The costs of which a client has less than this project. */
function listBetter(ours: ClientCost, cost: ClientCost): string[] {
  return COSTS.filter(({ find }) => find(ours) > EQUAL_SHARE * find(cost))
    .map(({ column }) => column);
}

function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

function formatMemory(bytes: number): string {
  return `${formatMegabytes(bytes)} MB`;
}
