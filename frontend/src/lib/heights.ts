// Where each row of a long list stands, when only those that were drawn have been measured. Pure.

export interface Measured {
  readonly key: string;
  /** Rows of one sort are about equally high. */
  readonly sort: string;
}

/** What a row is taken for until any of its sort was measured. */
const GUESS_PX = 48;

export class Heights {
  private readonly known = new Map<string, number>();
  private readonly sorts = new Map<string, { sum: number; count: number }>();
  private rows: readonly Measured[] = [];
  /** Top of each row, and behind them the end of the last. */
  private tops = new Float64Array(1);
  private places = new Map<string, number>();

  /** Lays the rows out anew. */
  lay(rows: readonly Measured[]): void {
    if (rows !== this.rows) this.places = new Map(rows.map((row, index) => [row.key, index]));
    this.rows = rows;
    if (this.tops.length !== rows.length + 1) this.tops = new Float64Array(rows.length + 1);
    let top = 0;
    rows.forEach((row, index) => {
      this.tops[index] = top;
      top += this.known.get(row.key) ?? this.guess(row.sort);
    });
    this.tops[rows.length] = top;
  }

  /** Notes how high a row is; whether that is news. */
  note(row: Measured, height: number): boolean {
    const before = this.known.get(row.key);
    if (before !== undefined && Math.abs(before - height) < 0.5) return false;
    this.known.set(row.key, height);
    if (before === undefined) {
      const sort = this.sorts.get(row.sort) ?? { sum: 0, count: 0 };
      this.sorts.set(row.sort, { sum: sort.sum + height, count: sort.count + 1 });
    }
    return true;
  }

  /** The width is another: nothing that was measured holds. */
  forget(): void {
    this.known.clear();
    this.sorts.clear();
  }

  get total(): number { return this.tops[this.rows.length] ?? 0; }

  top(index: number): number { return this.tops[Math.max(0, Math.min(index, this.rows.length))] ?? 0; }

  place(key: string): number | undefined { return this.places.get(key); }

  /** The row that `y` is in; the first above all, the last below all. */
  at(y: number): number {
    let low = 0;
    let high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.tops[middle] ?? 0) <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private guess(sort: string): number {
    const measured = this.sorts.get(sort);
    return measured ? measured.sum / measured.count : GUESS_PX;
  }
}
