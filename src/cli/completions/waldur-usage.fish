# Completions of waldur-usage for fish: put this as waldur-usage.fish into ~/.config/fish/completions
function __waldur_usage_complete
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l lines (command waldur-usage complete fish -- $before "$current" 2>/dev/null </dev/null)
    if test "$lines[1]" = files
        __fish_complete_path "$current"
    else if set -q lines[2]
        printf '%s\n' $lines[2..-1]
    end
end
complete --command waldur-usage --no-files --keep-order --arguments '(__waldur_usage_complete)'
