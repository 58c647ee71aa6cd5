# Completions of waldur-usage for PowerShell: put this line into $PROFILE:
# waldur-usage completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName 'waldur-usage' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @()
    foreach ($element in $commandAst.CommandElements) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $words += $element.Value
        } else {
            $words += $element.Extent.Text
        }
    }
    $words += [string]$wordToComplete
    $encoding = [Console]::OutputEncoding
    $kept = $env:WALDUR_USAGE_WORDS
    try {
        [Console]::OutputEncoding = [System.Text.Encoding]::UTF8
        # Words travel in a variable, because older versions lose the quotes in arguments of programs.
        $env:WALDUR_USAGE_WORDS = $words -join "`n"
        $program = Get-Command -Name 'waldur-usage' -CommandType Application -ErrorAction Stop |
            Select-Object -First 1
        $lines = @(& $program complete powershell 2>$null)
    } catch {
        $lines = @()
    } finally {
        $env:WALDUR_USAGE_WORDS = $kept
        [Console]::OutputEncoding = $encoding
    }
    $lines | Select-Object -Skip 1 | ForEach-Object {
        $text, $shown, $help = $_ -split "`t", 3
        if (-not $help) { $help = $shown }
        [System.Management.Automation.CompletionResult]::new($text, $shown, 'ParameterValue', $help)
    }
}
