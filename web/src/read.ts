// Reading JSON of somebody else: each function takes a value and where it stands, and gives a typed value or throws
// `Unreadable` naming the place. What is not known is ignored, as on the wire.

export class Unreadable extends Error {
  readonly where: string;

  constructor(where: string, wanted: string) {
    super(`${where}: ${wanted}`);
    this.name = "Unreadable";
    this.where = where;
  }
}

export type Json = Readonly<Record<string, unknown>>;
export type Reader<T> = (value: unknown, where: string) => T;

export function object(value: unknown, where: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unreadable(where, "an object");
  return value as Json;
}

export function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw new Unreadable(where, "a text");
  return value;
}

export function number(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Unreadable(where, "a number");
  return value;
}

export function flag(value: unknown, where: string): boolean {
  if (typeof value !== "boolean") throw new Unreadable(where, "true or false");
  return value;
}

/** An ISO 8601 moment, as milliseconds since 1970. */
export function moment(value: unknown, where: string): number {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw new Unreadable(where, "a moment (ISO 8601)");
  return at;
}

export function oneOf<const T extends string>(allowed: readonly T[]): Reader<T> {
  return (value, where) => {
    const found = allowed.find((word) => word === value);
    if (found === undefined) throw new Unreadable(where, `one of ${allowed.join(", ")}`);
    return found;
  };
}

export function list<T>(item: Reader<T>): Reader<T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw new Unreadable(where, "a list");
    return value.map((each, index) => item(each, `${where}[${index}]`));
  };
}

/** One field of an object that must be there. */
export function field<T>(from: Json, key: string, where: string, reader: Reader<T>): T {
  return reader(from[key], `${where}.${key}`);
}

/** One field that may be missing or null. */
export function optional<T, D>(from: Json, key: string, where: string, reader: Reader<T>, otherwise: D): T | D {
  const value = from[key];
  return value === undefined || value === null ? otherwise : reader(value, `${where}.${key}`);
}

/** Every item that can be read, and the faults of those that cannot: one bad record must not hide the others. */
export function readable<T>(value: unknown, where: string, item: Reader<T>): { items: T[]; faults: string[] } {
  if (!Array.isArray(value)) throw new Unreadable(where, "a list");
  const items: T[] = [];
  const faults: string[] = [];
  value.forEach((each, index) => {
    try {
      items.push(item(each, `${where}[${index}]`));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      faults.push(error.message);
    }
  });
  return { items, faults };
}
