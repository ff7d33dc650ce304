/**
 * What streaming leaves: its fields, counted, and what they cost.
 *
 * @module
 */
import type { ArrayTask } from "../checkpoint/array_task.ts";
import type { Member } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";
import type { ResultField } from "../ensemble/field_result.ts";
import type { LedgerEntry } from "../runs/ledger.ts";
import type { Unpublished } from "./published_fields.ts";
import type { Outcome } from "../util/reporter.ts";

/** Fields, and what is in them. */
export interface FieldsCount {
  fields: ResultField[];
  /** Members that went into at least one field. */
  membersUsed: Member[];
  /** Messages asked for, one a member and field. */
  messagesWanted: number;
  messagesUsed: number;
  /** Whether every message asked for is in, and all of them can be true. */
  complete: boolean;
}

/** The fields of a command, or of one of its tasks, and what they cost. */
export interface FieldsResult extends Outcome, FieldsCount {
  run: Run;
  /** What is left out because ECMWF did not publish it: it is not counted as missing. */
  unpublished: Unpublished;
  /** Fields that an earlier command had saved. */
  fieldsResumed: number;
  /** Milliseconds that each phase took. */
  phasesMs: Readonly<Record<string, number>>;
  /** Further requests for messages whose beginning was too short. */
  secondRequests: number;
}

/** What a command that writes the output left. */
export interface StreamResult extends FieldsResult {
  /** The NetCDF. */
  path: string;
}

/** An output that an earlier command made, with the same options and of the same files. */
export interface DoneResult extends Outcome {
  run: Run;
  /** The NetCDF. */
  path: string;
  /** When it was made, and by which command. */
  entry: LedgerEntry;
}

/** What a task left. */
export interface TaskResult extends FieldsResult {
  task: ArrayTask;
  /** Folder with its fields. */
  work: string;
}

/**
 * Counts what is in fields.
 *
 * @param members asked for.
 */
export function countFields(fields: ResultField[], members: readonly Member[]): FieldsCount {
  const membersUsed = members.filter((member) =>
    fields.some(({ reduced }) => reduced.members.includes(member))
  );
  const messagesWanted = fields.length * members.length;
  const messagesUsed = fields.reduce((sum, { reduced }) => sum + reduced.members.length, 0);
  const isSound = fields.every(({ reduced: { implausible, scarcePoints = 0 } }) =>
    implausible.length === 0 && scarcePoints === 0
  );
  const complete = messagesUsed === messagesWanted && isSound;
  return { fields, membersUsed, messagesWanted, messagesUsed, complete };
}
