/** `dapr completion SHELL`: a script by which the shell completes `dapr`. */
import { about } from "../commands/about.ts";
import { UsageError, command } from "../command.ts";
import { scripts } from "./scripts.ts";

const shells = Object.keys(scripts);

export const completion = command(
  "completion",
  about.completion,
  {},
  {
    usage: shells.join("|"),
    words: shells,
    examples: `
# This terminal
source <(dapr completion bash)

# Each new one
dapr completion bash > ~/.local/share/bash-completion/completions/dapr
dapr completion zsh > "\${fpath[1]}/_dapr"
dapr completion fish > ~/.config/fish/completions/dapr.fish
dapr completion powershell >> $PROFILE
`,
    notes:
      "The script asks `dapr` itself at each Tab, so `dapr` has to be on PATH.",
  },
  async ({ words: [shell, ...more], io }) => {
    if (shell === undefined || more.length > 0)
      throw new UsageError(`name one shell: ${shells.join(", ")}`);
    if (!Object.hasOwn(scripts, shell))
      throw new UsageError(
        `unknown shell "${shell}"; there are ${shells.join(", ")}`,
      );
    io.out(scripts[shell as keyof typeof scripts].trim());
    return 0;
  },
);
