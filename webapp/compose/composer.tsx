/** The way into writing. Its windows come with the composer. */
export type ComposerRequest = { readonly accountId: string } & (
  | {
      readonly kind: 'new';
      readonly to?: ReadonlyArray<{ readonly name: string | null; readonly email: string }>;
      readonly subject?: string;
      readonly text?: string;
    }
  | { readonly kind: 'reply' | 'replyAll' | 'forward' | 'draft'; readonly emailId: string }
  | { readonly kind: 'forwardAsAttachment'; readonly emailIds: readonly string[] }
  | { readonly kind: 'mailto'; readonly href: string }
);

/** The same function for as long as the person is signed in. */
export const useComposer = (): ((request: ComposerRequest) => void) => open;

function open(request: ComposerRequest): void {
  void request;
}
