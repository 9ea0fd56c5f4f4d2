/** A bell; with a line through it if nothing rings. What it says in words stands beside it. */
export function Bell({ isMuted = false }: { readonly isMuted?: boolean }) {
  return (
    <svg class="bell" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M6 17v-6a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21h4" />
      {isMuted ? <path class="through" d="M4 3l17 18" /> : null}
    </svg>
  );
}
