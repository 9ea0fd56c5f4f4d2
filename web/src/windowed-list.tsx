import { createContext } from "preact";
import type { JSX } from "preact";
import { useContext } from "preact/hooks";
import type { CustomItemComponentProps } from "virtua";
import { Virtualizer } from "virtua";

interface Props<T> {
  readonly data: readonly T[];
  /** What an item is high, in pixels; the layout may make it another. */
  readonly itemSize: number;
  /** So many pixels beyond the view there are items. */
  readonly bufferSize?: number;
  /** Places of items that are in the document wherever the view is. */
  readonly keepMounted?: readonly number[];
  readonly children: (item: T) => JSX.Element;
}

/** The number of items, of which few are in the document. */
const Count = createContext(0);

/** A list of which only the items on the screen are in the document. Its parent scrolls. */
export function WindowedList<T>({ data, ...rest }: Props<T>) {
  return (
    <Count.Provider value={data.length}>
      <Virtualizer as="ul" item={Item} data={data} {...rest} />
    </Count.Provider>
  );
}

/** Screen readers count what is in the document: they are told the place in the whole list. */
function Item({ ref, index, style, children }: CustomItemComponentProps) {
  return (
    <li ref={ref} style={style} aria-posinset={index + 1} aria-setsize={useContext(Count)}>
      {children}
    </li>
  );
}
