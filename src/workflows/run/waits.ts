/** What a run waits for, by each of those who wait side by side: nobody writes over the words of another. */
interface Wait {
  text: string;
}

/** Words of one who waits; they are shown until `end`. */
export interface OpenWait {
  say(text: string): void;
  end(): void;
}

export class Waits {
  private list: readonly Wait[] = [];

  /** The oldest: what came later often waits for the same. Empty while nobody waits. */
  get shown(): string {
    return this.list.find(({ text }) => text !== '')?.text ?? '';
  }

  begin(text = ''): OpenWait {
    const wait: Wait = { text };
    this.list = [...this.list, wait];
    return {
      say: (words) => {
        wait.text = words;
      },
      end: () => {
        this.list = this.list.filter((other) => other !== wait);
      },
    };
  }

  async for<T>(text: string, work: () => Promise<T>): Promise<T> {
    const wait = this.begin(text);
    try {
      return await work();
    } finally {
      wait.end();
    }
  }
}
