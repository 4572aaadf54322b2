/**
 * The scripts of `dapr completion`. Each asks `dapr __complete SHELL WORD…`, whose last word is the one under the cursor.
 * The answer is lines `WORD<Tab>about`, or `:file` or `:folder` for the shell's own completion of paths.
 */
const bash = String.raw`
# bash completion for dapr
_dapr() {
  local word about current="${"$"}{COMP_WORDS[COMP_CWORD]}"
  [ "$current" = "=" ] && current=""
  COMPREPLY=()
  while IFS=$'\t' read -r word about; do
    case "$word" in
      :file | :folder)
        compopt -o filenames 2> /dev/null
        while IFS= read -r word; do COMPREPLY+=("$word"); done < <(
          [ "$word" = :file ] && compgen -f -- "$current" || compgen -d -- "$current"
        )
        ;;
      *) COMPREPLY+=("$word") ;;
    esac
  done < <("${"$"}{COMP_WORDS[0]}" __complete bash "${"$"}{COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -F _dapr dapr
`;

const zsh = String.raw`
#compdef dapr
_dapr() {
  local word about
  local -a found
  while IFS=$'\t' read -r word about; do
    case "$word" in
      :file) _files ;;
      :folder) _files -/ ;;
      *) found+=("${"$"}{word//:/\\:}:$about") ;;
    esac
  done < <("${"$"}{words[1]}" __complete zsh "${"$"}{(@)words[2,CURRENT]}" 2> /dev/null)
  (( ${"$"}{#found} )) && _describe dapr found
}
if [ "$funcstack[1]" = "_dapr" ]; then _dapr "$@"; else compdef _dapr dapr; fi
`;

const fish = String.raw`
# fish completion for dapr
function __dapr_complete
    set -l current (commandline -ct)
    set -l words (commandline -opc) "$current"
    for line in ($words[1] __complete fish $words[2..-1] 2> /dev/null)
        switch $line
            case ':file'
                __fish_complete_path "$current"
            case ':folder'
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c dapr -f -a '(__dapr_complete)'
`;

/** Windows PowerShell drops empty arguments, so the last word has a colon before it. */
const powershell = String.raw`
# PowerShell completion for dapr
Register-ArgumentCompleter -Native -CommandName dapr -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($wordToComplete -ne '' -and $words.Count -gt 0) { $words = @($words | Select-Object -SkipLast 1) }
  & $commandAst.CommandElements[0].ToString() __complete powershell @words ":$wordToComplete" 2> $null | ForEach-Object {
    $word, $about = $_ -split [char]9, 2
    if ($word -in ':file', ':folder') {
      Get-ChildItem -Path "$wordToComplete*" -Directory:($word -eq ':folder') | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_.Name, $_.Name, 'ProviderItem', $_.FullName)
      }
    } else {
      if (-not $about) { $about = $word }
      [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
  }
}
`;

export const scripts = { bash, zsh, fish, powershell };
